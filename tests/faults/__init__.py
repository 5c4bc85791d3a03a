"""What the tests of faults share, whatever the nodes run as."""

"""The parts of the system under test, one Pulumi component a file."""

"""What is done to the system under test: load, faults, probes, and the record of it all."""

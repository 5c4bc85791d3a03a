"""Planted bugs in the system under test, and the proof that the experiments' invariants find them."""

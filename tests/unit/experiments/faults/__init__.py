"""Faults: how they are carried out, proven, healed and written down."""

"""Disturbances of the system under test; each owns its proof that it happened, its healing and its proof of health."""

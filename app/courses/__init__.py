"""The catalogue of courses and their seats."""

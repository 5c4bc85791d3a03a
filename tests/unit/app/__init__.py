"""Unit tests of the system under test: no server."""

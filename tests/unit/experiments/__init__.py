"""Unit tests of experiments."""

"""Unit tests of the targets."""

"""Unit tests of the images."""

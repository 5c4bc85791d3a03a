"""Tests of capacity experiments."""

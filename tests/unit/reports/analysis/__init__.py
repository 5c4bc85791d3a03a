"""Tests of what reports compute, by module."""

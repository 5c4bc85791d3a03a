"""Tests that start servers or processes on the loopback address."""

"""Tests of the rules' checkers."""

"""Whole experiments on real servers."""

"""Unit tests of experiments.baselines."""

"""Runs experiments: stages in order, trial by trial, with a teardown that always happens."""

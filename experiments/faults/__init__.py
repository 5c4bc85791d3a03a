"""Disturbances of the system under test; each owns its proof that it happened, its healing and its proof of health.

A module a family; :mod:`experiments.faults.making` has the class of each kind. What is on is in a journal, so that it can be healed by
hand after the lab itself was killed.
"""

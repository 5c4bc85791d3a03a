"""Deployments of real servers."""

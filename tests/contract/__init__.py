"""Contracts of the services, over HTTP against real servers."""

"""Containers from the lab's images, on a Docker engine."""

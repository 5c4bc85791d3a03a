"""Nodes as containers of a Docker engine, declared with pulumi-docker."""

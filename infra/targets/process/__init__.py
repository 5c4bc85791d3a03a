"""Nodes as native processes on loopback, under supervisord."""

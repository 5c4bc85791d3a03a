"""Parts of the system under test against the servers that they talk to."""

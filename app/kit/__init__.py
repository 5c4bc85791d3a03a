"""What every service needs and no domain owns: database, cache, broker, health, metrics, errors, logging, server."""

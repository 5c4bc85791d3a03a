"""The configuration of the students service."""

from app.kit.settings import CachedServiceSettings


class Settings(CachedServiceSettings):
    """What every service with cached reads has."""

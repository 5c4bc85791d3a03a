"""The configuration of the courses service."""

from app.kit.settings import CachedServiceSettings


class Settings(CachedServiceSettings):
    """What every service with cached reads has."""

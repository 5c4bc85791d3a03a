"""The students service out of its parts."""

from app.kit.application import Application
from app.kit.background import BackgroundThread
from app.kit.cache import open_cache
from app.kit.database import Database
from app.kit.health import Health
from app.kit.metrics import Metrics
from app.students.endpoints import internal_router, public_router
from app.students.models import metadata
from app.students.service import StudentsService
from app.students.settings import Settings


def create_app(settings: Settings) -> Application:
    """The application; nothing is connected before its server starts it."""
    metrics = Metrics()
    database = Database(settings.database_url, pool_size=settings.database_pool_size, application_name=settings.replica)
    cache = open_cache(settings.cache_url, namespace="students", ttl_s=settings.cache_ttl_s, metrics=metrics)
    service = StudentsService(database, cache)
    return Application(
        title="Mini-SPIRE students",
        replica=settings.replica,
        threads=settings.threads,
        health=Health({"database": database.check}),
        metrics=metrics,
        parts=[BackgroundThread("schema", lambda stop: database.prepare(metadata, stop), close=database.close), cache],
        routers=[public_router(service, metrics), internal_router(service)],
    )

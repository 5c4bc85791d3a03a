"""The students service out of its parts."""

from app.kit.application import Application
from app.kit.background import BackgroundThread
from app.kit.database import Database
from app.kit.health import Health
from app.kit.metrics import Metrics
from app.kit.redis_cache import open_cache
from app.kit.work import open_work
from app.students.endpoints import internal_router, public_router
from app.students.fast import fast_paths
from app.students.fast_internal import fast_paths as internal_fast_paths
from app.students.models import metadata
from app.students.service import StudentsService
from app.students.settings import Settings


def create_app(settings: Settings) -> Application:
    """The application; nothing is connected before its server starts it."""
    metrics = Metrics()
    database = Database(settings.database_url, pool_size=settings.database_pool_size, application_name=settings.replica)
    database.watch(metrics)
    work = open_work(settings, metrics)
    cache = open_cache(settings, namespace="students", database=database, work=work, metrics=metrics)
    service = StudentsService(database, cache)
    return Application(
        title="Mini-SPIRE students",
        replica=settings.replica,
        health=Health({"database": database.check}),
        metrics=metrics,
        parts=[BackgroundThread("schema", lambda stop: database.prepare(metadata, stop), close=database.close), work, cache],
        routers=[public_router(service, work, metrics), internal_router(service, work)],
        fast_paths=(*fast_paths(service, metrics), *internal_fast_paths(service, work)) if settings.fast_paths else (),
    )

"""The courses service out of its parts."""

from app.courses.endpoints import internal_router, public_router
from app.courses.fast import fast_paths
from app.courses.fast_internal import fast_paths as internal_fast_paths
from app.courses.models import metadata
from app.courses.reservations import ReservationsService
from app.courses.service import CoursesService
from app.courses.settings import Settings
from app.kit.application import Application
from app.kit.background import BackgroundThread
from app.kit.database import Database
from app.kit.health import Health
from app.kit.metrics import Metrics
from app.kit.redis_cache import open_cache
from app.kit.work import open_work


def create_app(settings: Settings) -> Application:
    """The application; nothing is connected before its server starts it."""
    metrics = Metrics()
    database = Database(settings.database_url, pool_size=settings.database_pool_size, application_name=settings.replica)
    database.watch(metrics)
    work = open_work(settings, metrics)
    cache = open_cache(settings, namespace="courses", database=database, work=work, metrics=metrics)
    service = CoursesService(database, cache)
    reservations = ReservationsService(database)
    return Application(
        title="Mini-SPIRE courses",
        replica=settings.replica,
        health=Health({"database": database.check}),
        metrics=metrics,
        parts=[BackgroundThread("schema", lambda stop: database.prepare(metadata, stop), close=database.close), work, cache],
        routers=[public_router(service, work, metrics), internal_router(reservations, work)],
        fast_paths=(*fast_paths(service, metrics), *internal_fast_paths(reservations, work)) if settings.fast_paths else (),
    )

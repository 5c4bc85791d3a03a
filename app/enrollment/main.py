"""The enrollment service and its relay out of their parts."""

from datetime import timedelta

from app.enrollment.acceptance import Acceptance
from app.enrollment.clients import Peers
from app.enrollment.endpoints import public_router
from app.enrollment.fast import fast_paths
from app.enrollment.messages import QUEUE_NAME, Task
from app.enrollment.models import metadata
from app.enrollment.relay import Relay
from app.enrollment.renewal import Renewal
from app.enrollment.retention import Retention
from app.enrollment.service import EnrollmentService
from app.enrollment.settings import Settings
from app.kit.application import Application
from app.kit.background import BackgroundTask, BackgroundThread
from app.kit.broker import WorkQueue, delete_queue
from app.kit.database import Database
from app.kit.health import Health
from app.kit.metrics import Metrics
from app.kit.publisher import Publisher
from app.kit.work import open_work

RELEASE_TIMEOUT_S = 0.5
"""A client waits for it; below the gateway's patience with a replica."""


def create_app(settings: Settings) -> Application:
    """The application; nothing is connected before its server starts it."""
    metrics = Metrics()
    database = Database(settings.database_url, pool_size=settings.database_pool_size, application_name=settings.replica)
    database.watch(metrics)
    work = open_work(settings, metrics)
    relay_name = f"{settings.replica}-relay"
    background_database = Database(settings.database_url, pool_size=1, application_name=relay_name, background=True)
    queue = WorkQueue(QUEUE_NAME, settings.delivery_limit)

    def publisher() -> Publisher[Task]:
        return Publisher(settings.broker_url, queue, name=relay_name, limit=settings.confirms_limit)

    relay = Relay(
        background_database,
        connect=publisher,
        renewal=Renewal(background_database, lambda: delete_queue(settings.broker_url, queue, name=relay_name)),
        metrics=metrics,
        in_flight_limit=settings.in_flight_limit,
    )
    retention = Retention(
        background_database,
        handled=timedelta(hours=settings.inbox_retention_h),
        keys=timedelta(hours=settings.idempotency_key_retention_h),
    )
    acceptance = Acceptance(
        database,
        work,
        relay,
        metrics,
        largest_batch=settings.accept_batch,
        queue_limit=settings.queue_limit,
        wait_limit_s=settings.queue_wait_ms / 1000,
    )
    peers = Peers(settings.peers_url, timeout_s=RELEASE_TIMEOUT_S, connect_timeout_s=RELEASE_TIMEOUT_S)
    peers.watch(metrics)
    return Application(
        title="Mini-SPIRE enrollment",
        replica=settings.replica,
        health=Health({"database": database.check}),
        metrics=metrics,
        parts=[
            BackgroundThread("schema", lambda stop: database.prepare(metadata, stop), close=database.close),
            BackgroundThread("retention", retention.run, close=background_database.close),
            BackgroundTask("relay", relay.run, wake=relay.wake),
            work,
        ],
        routers=[public_router(acceptance, EnrollmentService(database, peers), work)],
        fast_paths=fast_paths(acceptance) if settings.fast_paths else (),
    )

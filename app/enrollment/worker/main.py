"""The worker out of its parts, with the endpoints that tell how it is."""

from app.enrollment.clients import Peers
from app.enrollment.messages import QUEUE_NAME
from app.enrollment.models import metadata
from app.enrollment.renewal import Renewal
from app.enrollment.settings import WorkerSettings
from app.enrollment.worker.batch import BatchHandler
from app.enrollment.worker.consumer import Consumer
from app.kit.application import Application
from app.kit.background import BackgroundTask, BackgroundThread
from app.kit.broker import WorkQueue, delete_queue
from app.kit.database import Database
from app.kit.health import Health
from app.kit.metrics import Metrics
from app.kit.subscription import Subscription

PEER_TIMEOUT_S = 3.0
POOL_SIZE = 2
"""One connection for each batch under way; the readiness check takes its turn between their statements."""


def create_app(settings: WorkerSettings) -> Application:
    """The application; nothing is connected before its server starts it."""
    metrics = Metrics()
    database = Database(settings.database_url, pool_size=POOL_SIZE, application_name=settings.replica, background=True)
    database.watch(metrics)
    peers = Peers(settings.peers_url, timeout_s=PEER_TIMEOUT_S)
    peers.watch(metrics)
    queue = WorkQueue(QUEUE_NAME, settings.delivery_limit)
    consumer = Consumer(
        connect=lambda: Subscription(settings.broker_url, queue, name=settings.replica, prefetch=settings.prefetch),
        handler=BatchHandler(database, peers, metrics),
        renewal=Renewal(database, lambda: delete_queue(settings.broker_url, queue, name=settings.replica)),
        metrics=metrics,
    )
    return Application(
        title="Mini-SPIRE enrolment worker",
        replica=settings.replica,
        health=Health({"database": database.check, "broker": consumer.check}),
        metrics=metrics,
        parts=[
            BackgroundThread("schema", lambda stop: database.prepare(metadata, stop), close=database.close),
            BackgroundTask("consumer", consumer.run, wake=consumer.wake, close=peers.close),
        ],
    )

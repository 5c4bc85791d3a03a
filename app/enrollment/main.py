"""The enrollment service and its relay out of their parts."""

from app.enrollment.clients import Peers
from app.enrollment.endpoints import public_router
from app.enrollment.messages import QUEUE_NAME
from app.enrollment.models import metadata
from app.enrollment.relay import Relay
from app.enrollment.service import EnrollmentService
from app.enrollment.settings import Settings
from app.kit.application import Application
from app.kit.background import BackgroundThread
from app.kit.broker import BrokerLink, WorkQueue, delete_queue
from app.kit.database import Database
from app.kit.health import Health
from app.kit.metrics import Metrics

RELEASE_TIMEOUT_S = 0.5
"""A client waits for it; below the gateway's patience with a replica."""


def create_app(settings: Settings) -> Application:
    """The application; nothing is connected before its server starts it."""
    metrics = Metrics()
    database = Database(settings.database_url, pool_size=settings.database_pool_size, application_name=settings.replica)
    relay_name = f"{settings.replica}-relay"
    relay_database = Database(settings.database_url, pool_size=1, application_name=relay_name)
    queue = WorkQueue(QUEUE_NAME, settings.delivery_limit)
    relay = Relay(
        relay_database,
        connect=lambda: BrokerLink(settings.broker_url, queue, name=relay_name),
        delete_queue=lambda: delete_queue(settings.broker_url, queue, name=relay_name),
        metrics=metrics,
    )
    peers = Peers(settings.peers_url, timeout_s=RELEASE_TIMEOUT_S, connect_timeout_s=RELEASE_TIMEOUT_S)
    return Application(
        title="Mini-SPIRE enrollment",
        replica=settings.replica,
        health=Health({"database": database.check}),
        metrics=metrics,
        parts=[
            BackgroundThread("schema", lambda stop: database.prepare(metadata, stop), close=database.close),
            BackgroundThread("relay", relay.run, close=relay_database.close),
        ],
        routers=[public_router(EnrollmentService(database, peers, relay.wake))],
    )

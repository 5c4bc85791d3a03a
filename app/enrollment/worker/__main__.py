"""``python -m app.enrollment.worker``."""

from app.enrollment.settings import WorkerSettings
from app.enrollment.worker.main import create_app
from app.kit.server import run

run(WorkerSettings, create_app, port=lambda settings: settings.health_port)

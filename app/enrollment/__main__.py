"""``python -m app.enrollment``."""

from app.enrollment.main import create_app
from app.enrollment.settings import Settings
from app.kit.server import run

run(Settings, create_app, port=lambda settings: settings.port)

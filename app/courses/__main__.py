"""``python -m app.courses``."""

from app.courses.main import create_app
from app.courses.settings import Settings
from app.kit.server import run

run(Settings, create_app, port=lambda settings: settings.port)

"""``python -m app.students``."""

from app.kit.server import run
from app.students.main import create_app
from app.students.settings import Settings

run(Settings, create_app, port=lambda settings: settings.port)

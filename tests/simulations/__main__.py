"""The door of the simulations: ``python -m tests.simulations``."""

import sys

from tests.simulations.cli import run

sys.exit(run())

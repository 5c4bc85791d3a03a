"""The door of planted bugs: ``python -m tests.mutants``."""

import sys

from tests.mutants.cli import run

sys.exit(run())

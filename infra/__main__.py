"""The one door of the package: ``python -m infra``."""

import sys

from infra.cli import main

sys.exit(main())

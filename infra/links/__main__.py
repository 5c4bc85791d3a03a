"""``python -m infra.links CONFIGURATION.json``: run the links until told to end."""

import asyncio
import sys
from pathlib import Path

from infra.links.conditions import Configuration
from infra.links.program import serve

asyncio.run(serve(Configuration.model_validate_json(Path(sys.argv[1]).read_bytes())))

"""What both processes have in common that the Pulumi CLI starts."""

from __future__ import annotations

import os
import threading
import time

_LOOK_EVERY_S = 1.0


def end_with_parent() -> None:
    """End this process when the CLI has ended, which that can't see to if it is killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()

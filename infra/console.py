"""How infra looks on a terminal, and in a log where there is none."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.deployment import Deployment, NodeStatus

_MIB = 2**20
_MINUTE_S = 60
_HOUR_S = 3600


class ConsoleProgress:
    """Progress as a live table on a terminal, else one line for each thing that is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._waiting: dict[str, str] = {}
        self._live = Live(console=console, transient=True, refresh_per_second=8) if console.is_terminal else None

    def __enter__(self) -> Self:
        """Start to show."""
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop to show."""
        if self._live:
            self._live.stop()

    def waiting(self, node: str, what: str) -> None:
        """Show what a node is waited for; on no terminal, say it once a node."""
        with self._lock:
            if self._live is None and node not in self._waiting:
                self._console.print(f"waiting for {node}: {what}", markup=False, highlight=False)
            self._waiting[node] = what
            self._show()

    def done(self, node: str, what: str, seconds: float) -> None:
        """Say what became of a node."""
        with self._lock:
            self._waiting.pop(node, None)
            self._console.print(f"{node} {what} after {seconds:.1f} s", markup=False, highlight=False)
            self._show()

    def note(self, text: str) -> None:
        """Say it."""
        with self._lock:
            self._console.print(text, markup=False, highlight=False)

    def _show(self) -> None:
        if self._live:
            table = Table.grid(padding=(0, 2))
            for node, what in sorted(self._waiting.items()):
                table.add_row(Text("waiting for", style="dim"), node, Text(what, style="dim"))
            self._live.update(table)


def deployment_lines(deployment: Deployment) -> Iterable[str]:
    """Where people find the system."""
    yield f"gateway     {deployment.endpoints.gateway_url}"
    yield f"RabbitMQ    {deployment.endpoints.management_url}   (user and password: python -m infra credentials --name {deployment.name})"


def status_table(nodes: Iterable[NodeStatus]) -> Table:
    """A row a node, and the memory of all."""
    table = Table(show_footer=True, box=None, header_style="bold")
    total = 0
    rows = list(nodes)
    for status in rows:
        total += status.memory_bytes
    columns = ("node", "role", "address", "pid", "state", "health", "restarts", "uptime", "memory")
    for column in columns:
        table.add_column(
            column,
            footer={"node": "total", "memory": f"{total / _MIB:.0f} MiB"}.get(column, ""),
            justify="right" if column in {"pid", "restarts", "uptime", "memory"} else "left",
            no_wrap=True,
        )
    for status in rows:
        table.add_row(
            status.node.name,
            status.node.role.value,
            f"{status.node.host}:{status.node.port}" if status.node.port else "-",
            str(status.pid or "-"),
            status.state.lower(),
            Text("ready", style="green") if status.healthy else Text("not ready", style="red"),
            str(status.restarts),
            _duration(status.uptime_s),
            f"{status.memory_bytes / _MIB:.0f} MiB",
        )
    return table


def _duration(seconds: float) -> str:
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"

"""Hands out TCP ports on loopback so that deployments brought up at the same time don't get the same."""

from __future__ import annotations

import errno
import random
import socket
import threading
from pathlib import Path

from infra.errors import PortError
from infra.home import Home, updating
from infra.topology import HIGHEST_PORT

LOWEST_FREE_PORT = 20_000
_TRIES = 2_000
_announced: dict[int, socket.socket] = {}
_announced_lock = threading.Lock()


def reserve(home: Home, name: str, wanted: int, factor: str) -> int:
    """The port ``wanted``, or a free one for 0, kept for the deployment until :func:`release`.

    The registry keeps deployments below one state folder apart. Those of other users don't see it: for them a UDP socket
    on the same number, held by this process, says that somebody is about to listen there by TCP.

    Raises:
        PortError: it is taken; the sentence names ``factor`` as what to change.
    """
    root = home.root
    holder = f"{home.name} {name}"
    with updating(root.ports_file) as taken:
        for port, other in list(taken.items()):
            if other == holder or not root.home(other.split()[0]).path.exists():
                del taken[port]
        if wanted:
            _refuse_taken(wanted, taken.get(str(wanted)), factor)
            port_number = wanted
        else:
            port_number = _pick(taken)
        taken[str(port_number)] = holder
        _announce(port_number)
    return port_number


def release(home: Home, port: int) -> None:
    """Let others have the port."""
    with _announced_lock:
        if sign := _announced.pop(port, None):
            sign.close()
    if home.root.ports_file.exists():
        with updating(home.root.ports_file) as taken:
            taken.pop(str(port), None)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of 127.0.0.1 and of every other address."""
    return _why_not(port) is None


def _refuse_taken(port: int, holder: str | None, factor: str) -> None:
    mend = f"set {factor} to another one, or to 0 for any free one"
    if holder is not None:
        deployment, node = holder.split()
        raise PortError(f"port {port} belongs to {node} of the deployment {deployment!r}; take that down, or {mend}")
    reason = _why_not(port)
    if reason == errno.EACCES:
        raise PortError(f"port {port} is for root alone; {mend}")
    if reason is not None:
        raise PortError(f"port {port} is taken by another program{_name_of_listener(port)}; end that, or {mend}")


def _announce(port: int) -> None:
    sign = socket.socket(type=socket.SOCK_DGRAM)
    try:
        sign.bind(("127.0.0.1", port))
    except OSError:
        sign.close()  # a fixed port, which some program uses by UDP
        return
    with _announced_lock:
        _announced[port] = sign


def _is_announced(port: int) -> bool:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _pick(taken: dict[str, str]) -> int:
    for _ in range(_TRIES):
        port = random.randint(LOWEST_FREE_PORT, HIGHEST_PORT)  # noqa: S311 - no secret
        if str(port) not in taken and is_free(port) and not _is_announced(port):
            return port
    raise PortError(f"no free port found between {LOWEST_FREE_PORT} and {HIGHEST_PORT}; end other programs that listen there")


def _why_not(port: int) -> int | None:
    for address in ("127.0.0.1", ""):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                return error.errno
    return None


def _name_of_listener(port: int) -> str:
    """`` (pid 12, nginx)`` where this user may know it."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target in inodes:
            process = link.parent.parent
            return f" (pid {process.name}, {(process / 'comm').read_text().strip()})"
    return ""

"""Where the local stack listens: well-known ports, moved together by an offset, and checked before the start."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

from cli.local.errors import PortTaken
from services.kernel.codes import Stage

__all__ = ["LOOPBACK", "Ports", "free_port", "require_free"]

LOOPBACK = "127.0.0.1"
_SERVICES = 50051
_SERVICE_METRICS = 9451


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of one local stack; `offset` is added to each."""

    offset: int = 0

    @property
    def postgres(self) -> int:
        return 15432 + self.offset

    @property
    def temporal(self) -> int:
        return 7233 + self.offset

    @property
    def temporal_ui(self) -> int:
        return 8233 + self.offset

    @property
    def temporal_metrics(self) -> int:
        return 9233 + self.offset

    @property
    def worker_metrics(self) -> int:
        return 9456 + self.offset

    @property
    def prometheus(self) -> int:
        return 9090 + self.offset

    def service(self, stage: Stage) -> int:
        """Port of a service, 50051 to 50055 before the offset."""
        return _SERVICES + tuple(Stage).index(stage) + self.offset

    def service_metrics(self, stage: Stage) -> int:
        """Port of a service's /metrics, 9451 to 9455 before the offset."""
        return _SERVICE_METRICS + tuple(Stage).index(stage) + self.offset


def require_free(uses: Iterable[tuple[str, int]], *, patience_seconds: float = 3.0) -> None:
    """Raise PortTaken for the first port on which another program listens.

    A stack that was killed may need a moment to let go, hence the patience.
    """
    give_up = time.monotonic() + patience_seconds
    for name, port in uses:
        while not _is_free(port):
            if time.monotonic() > give_up:
                raise PortTaken(
                    f"port {port} for {name} is taken by another program. Stop that program, or move all ports of "
                    f"the stack: `socialcare up --port-offset 1000` or SOCIALCARE_PORT_OFFSET=1000."
                )
            time.sleep(0.1)


def free_port() -> int:
    """A port that was free a moment ago; for tests."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True

"""Where the local stack listens: well-known ports, moved together by an offset, and checked before the start."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cli.local.errors import PortTaken
from services.kernel.codes import Stage

__all__ = ["LOOPBACK", "Ports", "free_offset", "free_port", "require_free"]

LOOPBACK = "127.0.0.1"
_SERVICES = 50051
_SERVICE_METRICS = 9451
_MOST_REPLICAS = 9
_OFFSETS = range(10_960, 13_980, 20)
"""Services then listen above, everything else below the ports that Linux gives to outgoing connections."""
_TRIES = 200


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
        return self.worker_metrics_of(0)

    def worker_metrics_of(self, number: int) -> int:
        """Port of a worker's /metrics, 9456 and ten more for each further worker, before the offset."""
        return 9456 + _replica(number) + self.offset

    @property
    def worker_health(self) -> int:
        return self.worker_health_of(0)

    def worker_health_of(self, number: int) -> int:
        """Port of a worker's /live and /ready, 9457 and ten more for each further worker, before the offset."""
        return 9457 + _replica(number) + self.offset

    @property
    def prometheus(self) -> int:
        return 9090 + self.offset

    def service(self, stage: Stage, replica: int = 0) -> int:
        """Port of a service, 50051 to 50055 and ten more for each further replica, before the offset."""
        return _SERVICES + tuple(Stage).index(stage) + _replica(replica) + self.offset

    def service_metrics(self, stage: Stage, replica: int = 0) -> int:
        """Port of a service's /metrics, 9451 to 9455 and ten more for each further replica, before the offset."""
        return _SERVICE_METRICS + tuple(Stage).index(stage) + _replica(replica) + self.offset


def free_offset(replicas: int = 1) -> int:
    """An offset at which every port of a stack is free now; drawn by lot, so that two runs side by side differ.

    Raises:
        PortTaken: none was found.
    """
    lot = random.SystemRandom()
    for _ in range(_TRIES):
        offset = lot.choice(_OFFSETS)
        if all(_is_free(port) for port in _ports_of(Ports(offset), replicas)):
            return offset
    raise PortTaken("no free ports for a stack")


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


def _replica(number: int) -> int:
    if number not in range(_MOST_REPLICAS):
        raise ValueError(f"replica {number}: 0 to {_MOST_REPLICAS - 1}")
    return 10 * number


def _ports_of(ports: Ports, replicas: int) -> Iterator[int]:
    yield from (ports.postgres, ports.temporal, ports.temporal_metrics)
    for replica in range(replicas):
        yield from (ports.worker_metrics_of(replica), ports.worker_health_of(replica))
        for stage in Stage:
            yield from (ports.service(stage, replica), ports.service_metrics(stage, replica))


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True

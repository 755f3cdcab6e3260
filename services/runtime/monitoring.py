"""The HTTP port of a process: /ready and /live for what cannot ask over mutual TLS, and /metrics."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from threading import Thread
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["Monitoring", "Pulse"]

_STILL_SECONDS = 60.0
"""An event loop that has not come round for so long hangs; it comes round every few seconds."""

_CLOSING_SECONDS = 0.05
"""How often the thread looks whether it shall end; the process that closes waits for it."""


class Pulse:
    """What the process last said of itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beat = clock()
        self.serving = False
        """Whether calls are answered: what the health service of gRPC says, too."""

    def beat(self, *, serving: bool) -> None:
        """Say that the event loop came round, and whether calls are answered."""
        self._beat = self._clock()
        self.serving = serving

    @property
    def alive(self) -> bool:
        """Whether the event loop came round lately."""
        return self._clock() - self._beat < _STILL_SECONDS


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name in the base class
        """Every scrape would be a line."""


class _OverIPv6(ThreadingWSGIServer):
    address_family = socket.AF_INET6


def _not_found(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:  # noqa: ARG001 WSGI
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"/live or /ready\n"]


class Monitoring:
    """Serves in a thread of its own from the first moment; OSError when the address is taken.

    Without a registry there are no metrics: the SDK of Temporal has a port of its own for those of the worker.
    """

    def __init__(self, bind: str, registry: CollectorRegistry | None, pulse: Pulse) -> None:
        metrics = _not_found if registry is None else make_wsgi_app(registry)
        answers = {"/ready": lambda: pulse.serving, "/live": lambda: pulse.alive}

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            asked = answers.get(environ.get("PATH_INFO", ""))
            if asked is None:
                page: Iterable[bytes] = metrics(environ, start_response)
                return page
            good = asked()
            start_response("200 OK" if good else "503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"yes\n" if good else b"no\n"]

        host, port = bind.rsplit(":", 1)
        server = _OverIPv6 if ":" in host else ThreadingWSGIServer
        self._server = make_server(host.strip("[]"), int(port), answer, server, handler_class=_Quiet)
        self.port: int = self._server.server_port
        """Where it listens."""
        self._thread = Thread(target=self._server.serve_forever, args=(_CLOSING_SECONDS,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

"""`python -m services.runtime.probe [PATH]`: whether the process with this environment answers; for health checks.

Asks the port of SOCIALCARE_HEALTH_BIND, which a worker has, else of SOCIALCARE_METRICS_BIND, for PATH, by default
/ready; exit status 0 for the answer 200, else 1.
"""

from __future__ import annotations

import http.client
import os
import sys

__all__ = ["main"]

_SECONDS = 3.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "::1", "": "127.0.0.1"}  # noqa: S104 compared, not bound


def main(path: str) -> int:
    """The exit status."""
    metrics = os.environ.get("SOCIALCARE_METRICS_BIND", "127.0.0.1:9464")
    host, _, port = os.environ.get("SOCIALCARE_HEALTH_BIND", metrics).rpartition(":")
    connection = http.client.HTTPConnection(_EVERYWHERE.get(host, host.strip("[]")), int(port), timeout=_SECONDS)
    try:
        connection.request("GET", path)
        return 0 if connection.getresponse().status == http.client.OK else 1
    except (OSError, http.client.HTTPException):
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) > 1 else "/ready"))

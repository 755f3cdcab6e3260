"""The most memory that a service had since its peak was forgotten, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path

from bench.stand import Stand
from services.kernel.codes import Stage

__all__ = ["forget_the_peak", "peak_mebibytes"]


def forget_the_peak(stand: Stand, stage: Stage) -> None:
    """Count the peak from now on."""
    (_process(stand, stage) / "clear_refs").write_text("5", encoding="ascii")


def peak_mebibytes(stand: Stand, stage: Stage) -> float:
    """The most memory that the service of the stage had."""
    status = (_process(stand, stage) / "status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _process(stand: Stand, stage: Stage) -> Path:
    return Path("/proc") / str(stand.stack.supervisor.pid(stage.package))

"""The most memory that a service had since its peak was forgotten, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path

from bench.result import Budget, Limit
from cli.local.stack import LocalStack
from services.kernel.codes import Stage

__all__ = ["FLAT", "forget_the_peak", "peak_mebibytes"]

FLAT = Budget(Limit.AT_MOST, 1.25)
"""Many more people may take a quarter more memory: pages of a fixed size, and what the allocator keeps."""


def forget_the_peak(stack: LocalStack, stage: Stage) -> None:
    """Count the peak from now on."""
    (_process(stack, stage) / "clear_refs").write_text("5", encoding="ascii")


def peak_mebibytes(stack: LocalStack, stage: Stage) -> float:
    """The most memory that the service of the stage had."""
    status = (_process(stack, stage) / "status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _process(stack: LocalStack, stage: Stage) -> Path:
    return Path("/proc") / str(stack.supervisor.pid(stage.package))

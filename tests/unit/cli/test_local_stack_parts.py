"""The parts of the local stack that need no server."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import jwt
import pytest
from typer.testing import CliRunner

from cli.local.errors import AlreadyRunning, LocalStackError, PortTaken, ProgramMissing, StateUnreadable
from cli.local.keys import DevelopmentKeys
from cli.local.options import StackEnvironment, StackOptions
from cli.local.ports import LOOPBACK, Ports, free_port, require_free
from cli.local.postgres import LocalPostgres, binaries_dir
from cli.local.stack import LocalStack
from cli.local.state import StackState, held, holder_of
from cli.local.temporal import LocalTemporal
from cli.main import app
from services.kernel.codes import Role, Stage
from services.runtime.auth import AUDIENCE, load_public_key
from services.runtime.settings import ClockMode


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> StackEnvironment:
    for name in [name for name in os.environ if name.startswith("SOCIALCARE_")]:
        monkeypatch.delenv(name)
    return StackEnvironment()


def test_every_port_moves_with_the_offset_and_none_is_used_twice() -> None:
    def every(ports: Ports) -> list[int]:
        single = [
            ports.postgres,
            ports.temporal,
            ports.temporal_ui,
            ports.temporal_metrics,
            ports.worker_metrics,
            ports.worker_health,
            ports.prometheus,
        ]
        return [*single, *map(ports.service, Stage), *map(ports.service_metrics, Stage)]

    plain, moved = every(Ports()), every(Ports(offset=1000))

    assert [port + 1000 for port in plain] == moved
    assert len(set(plain)) == len(plain)
    assert Ports().service(Stage.INTAKE) == 50051
    assert Ports().service(Stage.BILLING) == 50055


def test_a_taken_port_is_named_with_its_user_and_the_way_out() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(
            PortTaken, match=rf"port {port} for the intake service .*--port-offset.*SOCIALCARE_PORT_OFFSET"
        ):
            require_free([("the intake service", port)], patience_seconds=0)


def test_a_free_port_is_no_trouble() -> None:
    require_free([("nobody", free_port())], patience_seconds=0)


def test_a_second_holder_of_the_state_directory_is_told_who_runs(tmp_path: Path) -> None:
    with held(tmp_path):
        assert holder_of(tmp_path) == os.getpid()
        with (
            pytest.raises(AlreadyRunning, match=f"as process {os.getpid()}; `socialcare down` stops it"),
            held(tmp_path),
        ):
            pass

    assert holder_of(tmp_path) is None


def test_the_description_of_a_stack_is_private_and_readable_only_while_it_runs(
    tmp_path: Path, environment: StackEnvironment
) -> None:
    state = LocalStack(StackOptions(directory=tmp_path, environment=environment)).describe()
    with held(tmp_path):
        with pytest.raises(StateUnreadable, match="still starting"):
            StackState.read(tmp_path)
        state.write(tmp_path)
        assert StackState.read(tmp_path) == state
        assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600

    with pytest.raises(StateUnreadable, match="no stack runs"):
        StackState.read(tmp_path)


def test_a_description_left_by_a_killed_stack_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{}")

    with held(tmp_path), pytest.raises(StateUnreadable, match="still starting"):
        StackState.read(tmp_path)


def test_a_case_has_a_link_into_the_temporal_ui(tmp_path: Path, environment: StackEnvironment) -> None:
    stack = LocalStack(StackOptions(directory=tmp_path, environment=environment))
    without_ui = LocalStack(StackOptions(directory=tmp_path, ui=False, environment=environment))

    assert stack.describe().case_link("case/1") == "http://127.0.0.1:8233/namespaces/socialcare/workflows/case%2F1"
    assert without_ui.describe().case_link("case/1") is None


def test_servers_named_in_the_environment_are_used(
    tmp_path: Path, environment: StackEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCIALCARE_PG_DSN_TEMPLATE", "postgresql://{stage}@db/{stage}")
    monkeypatch.setenv("SOCIALCARE_TEMPORAL_ADDRESS", "temporal:7233")
    monkeypatch.setenv("SOCIALCARE_PORT_OFFSET", "10")

    state = LocalStack(StackOptions(directory=tmp_path)).describe()

    assert state.dsns[Stage.BILLING] == "postgresql://billing@db/billing"
    assert state.temporal_address == "temporal:7233"
    assert state.temporal_ui is None
    assert state.services[Stage.INTAKE] == "127.0.0.1:50061"


async def test_a_fresh_start_is_refused_where_the_data_is_elsewhere(
    tmp_path: Path, environment: StackEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCIALCARE_TEMPORAL_ADDRESS", "temporal:7233")

    with pytest.raises(LocalStackError, match="clear them yourself"):
        async with LocalStack(StackOptions(directory=tmp_path, fresh=True, echo=False)):
            pass
    assert holder_of(tmp_path) is None


def test_keys_and_tokens_are_private_and_the_signing_key_is_kept(tmp_path: Path) -> None:
    keys = DevelopmentKeys(tmp_path / "keys")

    assert keys.prepare()
    first = keys.signing_key.read_bytes()
    assert not keys.prepare()

    assert keys.signing_key.read_bytes() == first
    files = [path for path in keys.directory.rglob("*") if path.is_file()]
    assert len(files) == 3 + len(Role) + len(Stage) + 1
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.parametrize("role", Role)
def test_a_token_holds_its_role_and_is_signed_by_the_stack(tmp_path: Path, role: Role) -> None:
    keys = DevelopmentKeys(tmp_path / "keys")
    keys.prepare()

    claims = jwt.decode(
        keys.token_of(role).read_text(), load_public_key(keys.public_key), algorithms=["EdDSA"], audience=AUDIENCE
    )

    assert claims["roles"] == [role.value]
    assert claims["municipalities"] == ["*"]


def test_the_token_command_prints_one_token(tmp_path: Path) -> None:
    DevelopmentKeys(tmp_path / "keys").prepare()

    answer = CliRunner().invoke(app, ["token", "social_worker", "--municipality", "m-1", "--state", str(tmp_path)])

    assert answer.exit_code == 0, answer.output
    claims = jwt.decode(answer.output.strip(), options={"verify_signature": False})
    assert (claims["roles"], claims["municipalities"]) == (["SOCIAL_WORKER"], ["m-1"])


def test_stopping_what_does_not_run_is_said_and_no_error(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["down", "--state", str(tmp_path)])

    assert answer.exit_code == 0
    assert "No stack runs" in answer.output


def test_an_override_of_the_postgres_binaries_must_hold_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIALCARE_PG_BIN", str(tmp_path))
    with pytest.raises(ProgramMissing, match="SOCIALCARE_PG_BIN"):
        binaries_dir()

    (tmp_path / "initdb").touch()
    (tmp_path / "postgres").touch()
    assert binaries_dir() == tmp_path


def test_every_stage_has_a_password_of_its_own(tmp_path: Path) -> None:
    postgres = LocalPostgres(tmp_path / "data", 1, tmp_path / "password")

    passwords = {postgres.dsn(stage).split(":")[2].split("@")[0] for stage in Stage}

    assert len(passwords) == len(Stage)
    assert stat.S_IMODE((tmp_path / "password").stat().st_mode) == 0o600


def test_a_stale_lock_of_a_killed_server_is_removed_and_a_live_one_is_not(tmp_path: Path) -> None:
    postgres = LocalPostgres(tmp_path, 1, tmp_path / "password")
    (tmp_path / "PG_VERSION").touch()
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{tmp_path}\n")

    postgres.prepare()

    assert not lock.exists()


def test_the_temporal_server_keeps_its_store_safe_and_can_skip_time(tmp_path: Path) -> None:
    command = LocalTemporal(tmp_path / "store", 7233, 9233).command()

    assert "--headless" in command
    assert "journal_mode=wal" in command
    assert "synchronous=1" in command
    assert "frontend.WorkflowTimeSkippingEnabled=true" in command


def test_the_clock_of_a_local_stack_is_simulated_unless_told_otherwise() -> None:
    assert StackOptions().clock is ClockMode.SIMULATED

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.kernel.codes import Stage
from workflows.channels import TokenFile
from workflows.clock import ClockMode
from workflows.settings import WorkerSettings


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("one\n")
    return path


def test_the_worker_reads_its_settings_from_the_environment(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIALCARE_TOKEN_FILE", str(token))
    monkeypatch.setenv("SOCIALCARE_ENVIRONMENT", "development")
    monkeypatch.setenv("SOCIALCARE_CLOCK", "simulated")
    monkeypatch.setenv("SOCIALCARE_BILLING_ADDRESS", "10.0.0.5:50055")
    settings = WorkerSettings()
    assert settings.clock is ClockMode.SIMULATED
    assert settings.address_of(Stage.BILLING) == "10.0.0.5:50055"


def test_production_refuses_a_simulated_clock(token: Path) -> None:
    with pytest.raises(ValidationError, match="set SOCIALCARE_CLOCK=system"):
        WorkerSettings(token_file=token, clock=ClockMode.SIMULATED)


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="SOCIALCARE_TOKEN_FILE"):
        WorkerSettings(token_file=tmp_path / "none")


def test_a_renewed_token_is_used_without_a_restart(token: Path) -> None:
    source = TokenFile(token)
    assert source.read() == "one"
    token.write_text("two\n")
    assert source.read() == "two"


def test_a_worker_with_wrong_settings_ends_with_a_line_and_status_2(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "SOCIALCARE_TOKEN_FILE": str(tmp_path / "none")}
    ended = subprocess.run(
        [sys.executable, "-m", "workflows.worker"], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("cannot start: ")
    assert "SOCIALCARE_TOKEN_FILE: no file" in ended.stderr

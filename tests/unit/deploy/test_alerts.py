"""The alerts under deploy/: Prometheus itself plays them, and every series that they name exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.local.prometheus import RULES

ROOT = Path(__file__).resolve().parents[3]
PROMTOOL = shutil.which("promtool")
OF_PROMETHEUS = {"up"}


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed; CI installs it")
def test_prometheus_plays_every_alert_as_written() -> None:
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", "socialcare.tests.yml"],
        cwd=RULES.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_played_and_is_in_the_page_for_sres() -> None:
    alerts = re.findall(r"alert: (\w+)", RULES.read_text(encoding="utf-8"))
    played = (RULES.parent / "socialcare.tests.yml").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "sres.md").read_text(encoding="utf-8")
    assert alerts
    assert [alert for alert in alerts if f"alertname: {alert}" not in played or f"`{alert}`" not in page] == []


def test_every_series_of_an_alert_is_one_of_ours() -> None:
    text = RULES.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:socialcare|grpc)_[a-z_]+(?=[\[{) ])", text)) - {"grpc_code"}
    page = (ROOT / "docs" / "sres.md").read_text(encoding="utf-8")
    assert len(named) >= 5
    assert [series for series in named if series not in page] == []

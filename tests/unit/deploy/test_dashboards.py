"""The dashboards under deploy/: as described, about series that exist, in queries that Prometheus can read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.dashboards import BOARDS, DIRECTORY, Board, rendered

ROOT = Path(__file__).resolve().parents[3]
PROMTOOL = shutil.which("promtool")
OF_OTHERS = {
    "up",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "temporal_worker_task_slots_available",
    "temporal_workflow_task_schedule_to_start_latency_seconds_bucket",
}
"""What Prometheus, its client library and the Temporal SDK bring."""
SERIES = re.compile(r"\b(?:socialcare|grpc_server|temporal|process)_[a-z_]+|\bup\b")


def queries(board: Board) -> list[str]:
    return [panel.query for panel in board.panels]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_the_file_is_what_is_described(board: Board) -> None:
    text = (DIRECTORY / f"{board.uid}.json").read_text(encoding="utf-8")
    assert text == rendered(board), "`make docs` writes it"
    read = json.loads(text)
    assert len({panel["id"] for panel in read["panels"]}) == len(board.panels)
    assert {panel["fieldConfig"]["defaults"]["unit"] for panel in read["panels"]} <= {
        *("short", "s", "ops", "percentunit", "bytes")
    }


def test_there_is_one_for_each_group_of_readers_and_nothing_else() -> None:
    assert sorted(path.stem for path in DIRECTORY.iterdir()) == sorted(board.uid for board in BOARDS)
    assert {board.uid.rpartition("-")[2] for board in BOARDS} == {"sres", "operators", "integrators"}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_every_series_of_a_dashboard_exists(board: Board) -> None:
    page = (ROOT / "docs" / "sres.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    named = {name.removesuffix("_bucket") for query in queries(board) for name in SERIES.findall(query)}
    known = documented | {name.removesuffix("_bucket") for name in OF_OTHERS} | {"process"}
    assert named
    assert named - known == set()


@pytest.mark.parametrize("series", ["blocked_runs", "review_oldest", "next_month", "parked_accounts"])
def test_operators_see_every_month_that_an_alert_tells_of(series: str) -> None:
    rules = (ROOT / "deploy" / "prometheus" / "socialcare.rules.yml").read_text(encoding="utf-8")
    (board,) = (board for board in BOARDS if board.uid == "socialcare-operators")
    assert f"socialcare_billing_{series}" in rules
    assert any(f"socialcare_billing_{series}" in query for query in queries(board))


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed; CI installs it")
def test_prometheus_can_read_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{board_number}_{number}", "expr": query.replace("$__rate_interval", "1m")}
        for board_number, board in enumerate(BOARDS)
        for number, query in enumerate(queries(board))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run([str(PROMTOOL), "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed; CI installs it")
def test_the_configuration_of_prometheus_on_containers_is_valid() -> None:
    done = subprocess.run(
        [str(PROMTOOL), "check", "config", "compose.yml"],
        cwd=ROOT / "deploy" / "prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry, Counter

from services.runtime.monitoring import Monitoring, Pulse


@dataclass
class Hands:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def pulse(hands: Hands) -> Pulse:
    return Pulse(hands)


@pytest.fixture
def monitoring(pulse: Pulse) -> Iterator[Monitoring]:
    registry = CollectorRegistry()
    Counter("planted", "One of ours.", registry=registry)
    served = Monitoring("127.0.0.1:0", registry, pulse)
    yield served
    served.close()


def ask(monitoring: Monitoring, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", monitoring.port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def probed(monitoring: Monitoring, bind: str = "127.0.0.1", name: str = "METRICS") -> int:
    environment = {**os.environ, f"SOCIALCARE_{name}_BIND": f"{bind}:{monitoring.port}"}
    return subprocess.run([sys.executable, "-m", "services.runtime.probe"], env=environment, check=False).returncode


def test_a_process_answers_over_ipv6(pulse: Pulse) -> None:
    served = Monitoring("[::1]:0", None, pulse)
    try:
        assert probed(served, "[::1]") == 1
        pulse.beat(serving=True)
        assert probed(served, "[::1]") == 0
        assert probed(served, "[::]") == 0
    finally:
        served.close()


def test_a_process_is_ready_while_it_serves(monitoring: Monitoring, pulse: Pulse) -> None:
    assert ask(monitoring, "/ready") == (503, "no\n")
    assert probed(monitoring) == 1
    pulse.beat(serving=True)
    assert ask(monitoring, "/ready") == (200, "yes\n")
    assert probed(monitoring) == 0
    assert probed(monitoring, "0.0.0.0") == 0


def test_a_process_is_alive_until_its_event_loop_hangs_for_a_minute(
    monitoring: Monitoring, pulse: Pulse, hands: Hands
) -> None:
    hands.now = 59.0
    assert ask(monitoring, "/live")[0] == 200
    hands.now = 60.0
    assert ask(monitoring, "/live")[0] == 503
    pulse.beat(serving=False)
    assert ask(monitoring, "/live")[0] == 200


def test_everything_else_is_metrics(monitoring: Monitoring) -> None:
    status, page = ask(monitoring, "/metrics")
    assert status == 200
    assert "planted_total 0.0" in page


def test_a_process_that_does_not_answer_is_not_ready(monitoring: Monitoring) -> None:
    monitoring.close()
    assert probed(monitoring) == 1


def test_a_worker_is_asked_on_its_own_port_and_shows_no_metrics_there(
    pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = Monitoring("127.0.0.1:0", None, pulse)
    monkeypatch.setenv("SOCIALCARE_METRICS_BIND", "127.0.0.1:1")
    assert probed(health, name="HEALTH") == 1
    pulse.beat(serving=True)
    assert probed(health, name="HEALTH") == 0
    assert ask(health, "/metrics")[0] == 404
    health.close()

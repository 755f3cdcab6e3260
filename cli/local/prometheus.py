"""Prometheus, if it is installed: its configuration for the local stack and the process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from cli.local import probes
from cli.local.ports import LOOPBACK
from cli.local.supervisor import Process

__all__ = ["RULES", "prometheus_process"]

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "socialcare.rules.yml"
"""The alerts of a deployment; an installed wheel has none beside it."""

_TEMPORAL_SERIES = (
    "service_requests|service_error_with_type|service_latency_.*|approximate_backlog_.*|schedule_.*|workflow_.*|"
    "persistence_.*|visibility_.*|worker_registry_.*"
)
"""What an operator reads of the hundreds of series of the dev server."""


def prometheus_process(directory: Path, port: int, targets: Mapping[str, str], temporal: str | None) -> Process | None:
    """The server, or None where no `prometheus` is on the path.

    `targets` maps a process name to the address of its /metrics; `temporal` is that of the Temporal server.
    """
    program = shutil.which("prometheus")
    if program is None:
        return None
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "prometheus.yml"
    # JSON is YAML, and needs no library.
    configuration.write_text(json.dumps(_configuration(targets, temporal), indent=2))
    return Process(
        name="prometheus",
        command=(
            program,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--log.level=warn",
        ),
        ready=probes.http_ok(f"http://{LOOPBACK}:{port}/-/ready"),
    )


def _configuration(targets: Mapping[str, str], temporal: str | None) -> dict[str, object]:
    jobs: list[dict[str, object]] = [
        {
            "job_name": "socialcare",
            "static_configs": [
                {"targets": [address], "labels": {"process": name}} for name, address in targets.items()
            ],
        }
    ]
    if temporal is not None:
        keep = {"source_labels": ["__name__"], "regex": _TEMPORAL_SERIES, "action": "keep"}
        jobs.append(
            {
                "job_name": "temporal",
                "scrape_interval": "30s",
                "scrape_timeout": "20s",
                "static_configs": [{"targets": [temporal]}],
                "metric_relabel_configs": [keep],
            }
        )
    rules = [str(RULES)] if RULES.is_file() else []
    return {"global": {"scrape_interval": "5s"}, "rule_files": rules, "scrape_configs": jobs}

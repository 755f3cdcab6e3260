"""Writes the dashboards of deploy/grafana: `make docs`. A test holds files and this description equal.

One dashboard for each group of readers; a panel is a title, a query and a unit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BOARDS", "DIRECTORY", "Board", "Panel", "rendered"]

DIRECTORY = Path(__file__).resolve().parents[1] / "deploy" / "grafana" / "dashboards"
_WIDTH, _HEIGHT = 12, 8
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_CALLS = "sum by (grpc_service, grpc_method) (rate(grpc_server_handled_total[$__rate_interval]))"
_OURS = 'grpc_code=~"UNKNOWN|INTERNAL|DATA_LOSS|UNAVAILABLE"'


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph, or with `now` one figure a series."""

    title: str
    query: str
    unit: str = "short"
    legend: str = "__auto"
    meaning: str = ""
    now: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard; `uid` never changes, links use it."""

    uid: str
    title: str
    panels: tuple[Panel, ...]


def _quantile(share: str, by: str) -> str:
    return (
        f"histogram_quantile({share}, sum by (le, {by}) (rate(grpc_server_handling_seconds_bucket[$__rate_interval])))"
    )


BOARDS = (
    Board(
        "socialcare-sres",
        "socialcare for SREs",
        (
            Panel("Processes that answer", 'sum by (process) (up{job="socialcare"})', legend="{{process}}", now=True),
            Panel(
                "Age of the oldest message that waits for Temporal",
                "max by (stage) (time() - socialcare_outbox_oldest_timestamp_seconds)",
                "s",
                "{{stage}}",
                "Alert SocialcareOutboxStuck above two minutes.",
            ),
            Panel("Messages that wait", "max by (stage) (socialcare_outbox_pending)", legend="{{stage}}"),
            Panel(
                "Messages given up",
                "max by (stage) (socialcare_outbox_undeliverable)",
                legend="{{stage}}",
                meaning="They came after their case had ended.",
            ),
            Panel(
                "Messages delivered",
                "sum by (stage) (rate(socialcare_outbox_delivered_total[$__rate_interval]))",
                "ops",
                "{{stage}}",
            ),
            Panel(
                "Share of calls that fail by our fault",
                f"sum by (process) (rate(grpc_server_handled_total{{{_OURS}}}[$__rate_interval]))"
                " / sum by (process) (rate(grpc_server_handled_total[$__rate_interval]))",
                "percentunit",
                "{{process}}",
                "Alert SocialcareCallsFail above one in a hundred.",
            ),
            Panel(
                "Calls under way",
                "sum by (process) (grpc_server_started_total) - sum by (process) (grpc_server_handled_total)",
                legend="{{process}}",
            ),
            Panel("Slowest hundredth of calls", _quantile("0.99", "process"), "s", "{{process}}"),
            Panel(
                "Free slots of the worker",
                "min by (worker_type) (temporal_worker_task_slots_available)",
                legend="{{worker_type}}",
                meaning="At 0 work piles up: start another worker.",
            ),
            Panel(
                "Wait of a workflow task for a worker, slowest twentieth",
                "histogram_quantile(0.95, sum by (le, task_queue) "
                "(rate(temporal_workflow_task_schedule_to_start_latency_seconds_bucket[$__rate_interval])))",
                "s",
                "{{task_queue}}",
            ),
            Panel("Memory", 'process_resident_memory_bytes{job="socialcare"}', "bytes", "{{process}}"),
            Panel(
                "Processor time",
                'rate(process_cpu_seconds_total{job="socialcare"}[$__rate_interval])',
                "short",
                "{{process}}",
            ),
        ),
    ),
    Board(
        "socialcare-operators",
        "socialcare for operators",
        (
            Panel(
                "Steps of cases, last day",
                "sum by (state) (increase(socialcare_intake_case_steps_total[1d]))",
                legend="{{state}}",
                now=True,
            ),
            Panel(
                "Missed limits that nobody explained",
                "max by (kind) (socialcare_assessment_breaches_without_cause)",
                legend="{{kind}}",
                meaning="ListBreaches, RecordBreachCause.",
                now=True,
            ),
            Panel(
                "Reminders and calls on the office head, last day",
                "sum by (rung) (increase(socialcare_assessment_rungs_total[1d]))",
                legend="{{rung}}",
            ),
            Panel(
                "Attempts to visit, last day",
                "sum by (result) (increase(socialcare_assessment_visits_total[1d]))",
                legend="{{result}}",
            ),
            Panel(
                "Contracts signed, ended and lapsed, last week",
                "sum(increase(socialcare_placement_contracts_signed_total[7d]))"
                " or sum by (ground) (increase(socialcare_placement_contracts_terminated_total[7d]))",
            ),
            Panel("Planned units, last day", "sum(increase(socialcare_delivery_units_planned_total[1d]))"),
            Panel(
                "Records of care, last day",
                "sum by (outcome) (increase(socialcare_delivery_recorded_total[1d]))",
                legend="{{outcome}}",
            ),
            Panel(
                "Daily runs finished, last day", "sum(increase(socialcare_delivery_runs_closed_total[1d]))", now=True
            ),
            Panel("Invoices issued, last month", "sum(increase(socialcare_billing_invoices_total[30d]))", now=True),
            Panel("Notes issued, last month", "sum(increase(socialcare_billing_corrections_total[30d]))", now=True),
            Panel("Notices that wait", "max(socialcare_intake_notices_waiting)"),
            Panel(
                "Age of the oldest notice",
                "time() - max(socialcare_intake_notices_oldest_timestamp_seconds)",
                "s",
            ),
            Panel(
                "Welfare checks with the office head or past their time",
                "max by (rung) (socialcare_delivery_welfare_checks_overdue)",
                legend="{{rung}}",
            ),
            Panel(
                "Visits that nobody is to make",
                "max by (reason) (socialcare_delivery_visits_unassigned)",
                legend="{{reason}}",
                meaning="ListUnassignedVisits.",
            ),
            Panel(
                "Meals of today and tomorrow that no kitchen cooks",
                "max by (municipality, reason) (socialcare_delivery_meals_uncooked)",
                legend="{{municipality}} {{reason}}",
                meaning="ListUncookedMeals.",
            ),
            Panel(
                "Cases that the daily run could not plan",
                "max by (municipality) (socialcare_delivery_parked_cases)",
                legend="{{municipality}}",
                meaning="ListParkedCases.",
            ),
            Panel(
                "Orders and referrals that end, or have ended, while the contract goes on",
                "max by (municipality) (socialcare_delivery_authorisations_ending)",
                legend="{{municipality}}",
                meaning="ListEndingAuthorisations.",
            ),
            Panel(
                "Months that are not billed because an invariant is red",
                "max by (municipality, invariant) (socialcare_billing_blocked_runs)",
                legend="{{municipality}} {{invariant}}",
                meaning="GetBillingRun.",
            ),
            Panel(
                "Wait of a drafted month for approval",
                "time() - min by (municipality) (socialcare_billing_review_oldest_timestamp_seconds)",
                "s",
                "{{municipality}}",
            ),
            Panel(
                "Since the first month without a finished run was over",
                "time() - min by (municipality) (socialcare_billing_next_month_timestamp_seconds)",
                "s",
                "{{municipality}}",
                "Below nothing the month still goes on. GetBillingRun.",
            ),
            Panel(
                "Months of accounts that no run could bill",
                "max by (municipality, reason) (socialcare_billing_parked_accounts)",
                legend="{{municipality}} {{reason}}",
                meaning="ListParkedAccounts, RerunAccount, DismissAccount.",
            ),
            Panel(
                "Invoices past their due date, by days",
                "sum by (above_days) (max by (municipality, above_days) (socialcare_billing_overdue_invoices))",
                legend="{{above_days}}",
                meaning="ListArrears.",
            ),
            Panel(
                "Cases beside the sweep of arrears",
                "max by (municipality) (socialcare_billing_unswept_cases)",
                legend="{{municipality}}",
                meaning="ListUnsweptCases.",
            ),
            Panel(
                "Letters that wait",
                "max by (municipality) (socialcare_billing_letters_waiting)",
                legend="{{municipality}}",
                meaning="ListWaitingLetters, RecordLetterDelivered.",
            ),
        ),
    ),
    Board(
        "socialcare-integrators",
        "socialcare for integrators",
        (
            Panel("Calls by method", _CALLS, "ops", "{{grpc_method}}"),
            Panel(
                "Answers by status",
                "sum by (grpc_code) (rate(grpc_server_handled_total[$__rate_interval]))",
                "ops",
                "{{grpc_code}}",
            ),
            Panel(
                "Refusals by method",
                "sum by (grpc_method, grpc_code) "
                f'(rate(grpc_server_handled_total{{grpc_code!="OK",{_OURS.replace("=~", "!~")}}}[$__rate_interval]))',
                "ops",
                "{{grpc_method}} {{grpc_code}}",
                "Reasons are in docs/integrators.md.",
            ),
            Panel("Median of a call", _quantile("0.5", "grpc_method"), "s", "{{grpc_method}}"),
            Panel("Slowest twentieth of calls", _quantile("0.95", "grpc_method"), "s", "{{grpc_method}}"),
            Panel(
                "Calls that overran their deadline",
                'sum by (grpc_method) (rate(grpc_server_handled_total{grpc_code="DEADLINE_EXCEEDED"}'
                "[$__rate_interval]))",
                "ops",
                "{{grpc_method}}",
            ),
        ),
    ),
)


def rendered(board: Board) -> str:
    """The dashboard as Grafana reads it."""
    return (
        json.dumps(
            {
                "uid": board.uid,
                "title": board.title,
                "tags": ["socialcare"],
                "schemaVersion": 39,
                "editable": False,
                "refresh": "30s",
                "time": {"from": "now-6h", "to": "now"},
                "timezone": "Europe/Sofia",
                "templating": {
                    "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
                },
                "panels": [_panel(number, panel) for number, panel in enumerate(board.panels)],
            },
            indent=2,
        )
        + "\n"
    )


def _panel(number: int, panel: Panel) -> dict[str, object]:
    return {
        "id": number + 1,
        "type": "stat" if panel.now else "timeseries",
        "title": panel.title,
        "description": panel.meaning,
        "datasource": _SOURCE,
        "gridPos": {"h": _HEIGHT, "w": _WIDTH, "x": _WIDTH * (number % 2), "y": _HEIGHT * (number // 2)},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": "A",
                "datasource": _SOURCE,
                "expr": panel.query,
                "legendFormat": panel.legend,
                "instant": panel.now,
                "range": not panel.now,
            }
        ],
    }


def main() -> None:
    """Write every dashboard."""
    for board in BOARDS:
        (DIRECTORY / f"{board.uid}.json").write_text(rendered(board), encoding="utf-8")


if __name__ == "__main__":
    main()

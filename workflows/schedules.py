"""The Schedules of a municipality: two daily, one monthly (design section 5).

A municipality on simulated time has none: its player starts the runs that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from services.kernel.codes import (
    BATCH_TASK_QUEUE,
    WorkflowType,
    arrears_sweep_workflow_id,
    billing_run_workflow_id,
    daily_workflow_id,
)
from services.kernel.dates import SOFIA
from socialcare.billing.v1.arrears_pb2 import ArrearsSweepStart
from socialcare.common.v1.flow_pb2 import BillingRunStart, DailyRunStart
from workflows.texts import LABELS, Label, Language

__all__ = ["municipality_schedules", "register_schedules"]

_JITTER = timedelta(minutes=2)
"""265 municipalities do not begin in the same second."""

_SWEEP_HOUR = 3
"""Overdue invoices are looked for when the runs of the night are over."""


def municipality_schedules(municipality_id: str, language: Language = Language.BG) -> dict[str, Schedule]:
    """The Schedules of one municipality by id: each day at 00:00 and 03:00, each 1st of a month at 00:00, Europe/Sofia.

    A run that is still going delays the next one, and none is left out: after an outage a month of days is caught up,
    each with its own scheduled day.
    """
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ALL, catchup_window=timedelta(days=31))
    daily, billing = daily_workflow_id(municipality_id), billing_run_workflow_id(municipality_id)
    sweep = arrears_sweep_workflow_id(municipality_id)
    midnight = (ScheduleRange(0),)
    return {
        daily: Schedule(
            action=ScheduleActionStartWorkflow(
                WorkflowType.DAILY_DELIVERY.value,
                DailyRunStart(municipality_id=municipality_id),
                id=daily,
                task_queue=BATCH_TASK_QUEUE,
                static_summary=LABELS[Label.DAILY].said(language).format(unit=municipality_id),
            ),
            spec=ScheduleSpec(
                calendars=[ScheduleCalendarSpec(hour=midnight)], time_zone_name=SOFIA.key, jitter=_JITTER
            ),
            policy=policy,
        ),
        billing: Schedule(
            action=ScheduleActionStartWorkflow(
                WorkflowType.BILLING_RUN.value,
                BillingRunStart(municipality_id=municipality_id),
                id=billing,
                task_queue=BATCH_TASK_QUEUE,
                static_summary=LABELS[Label.BILLING].said(language).format(unit=municipality_id),
            ),
            spec=ScheduleSpec(
                calendars=[ScheduleCalendarSpec(hour=midnight, day_of_month=(ScheduleRange(1),))],
                time_zone_name=SOFIA.key,
                jitter=_JITTER,
            ),
            policy=policy,
        ),
        sweep: Schedule(
            action=ScheduleActionStartWorkflow(
                WorkflowType.ARREARS_SWEEP.value,
                ArrearsSweepStart(municipality_id=municipality_id),
                id=sweep,
                task_queue=BATCH_TASK_QUEUE,
                static_summary=LABELS[Label.ARREARS_SWEEP].said(language).format(unit=municipality_id),
            ),
            spec=ScheduleSpec(
                calendars=[ScheduleCalendarSpec(hour=(ScheduleRange(_SWEEP_HOUR),))],
                time_zone_name=SOFIA.key,
                jitter=_JITTER,
            ),
            # A day that was missed needs no sweep of its own.
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(hours=12)),
        ),
    }


async def register_schedules(
    client: Client, municipality_ids: Iterable[str], language: Language = Language.BG
) -> list[str]:
    """Create the Schedules that are missing, bring the others up to date, answer the ids created.

    May be repeated; a Schedule that somebody paused stays paused.
    """
    created = []
    for municipality_id in municipality_ids:
        for schedule_id, schedule in municipality_schedules(municipality_id, language).items():
            try:
                await client.create_schedule(schedule_id, schedule)
                created.append(schedule_id)
            except ScheduleAlreadyRunningError:
                await _update(client, schedule_id, schedule)
    return created


async def _update(client: Client, schedule_id: str, wanted: Schedule) -> None:
    def renew(present: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted.state = present.description.schedule.state
        return ScheduleUpdate(wanted)

    await client.get_schedule_handle(schedule_id).update(renew)

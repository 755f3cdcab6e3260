"""Runs that count a municipality's limits by a changed calendar: simulated time waits for them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from cli.gateway import Gateway
from cli.stories.patience import is_away
from services.kernel.codes import Role, reprojection_workflow_id
from socialcare.intake.v1 import intake_service_pb2 as intake

FIRST_DECLARED = 2
"""Number of the first version that a municipality declares itself; the shipped calendar has 1."""


@dataclass(slots=True)
class Recounts:
    """The re-projections of one municipality. Ask only while no outbox row waits: each version has its run by then."""

    client: Client
    gateway: Gateway
    municipality_id: str
    _over: set[str] = field(default_factory=set)

    async def are_over(self, now: dt.datetime) -> bool:
        """Whether every version declared so far was applied."""
        request = intake.GetCalendarRequest(municipality_id=self.municipality_id)
        answer = await self.gateway.patient_call(
            self.gateway.intake.GetCalendar, request, intake.GetCalendarResponse, role=Role.ADMIN, at=now
        )
        stem, _, number = answer.calendar.version.rpartition("-")
        if stem != self.municipality_id:
            return True
        versions = {f"{stem}-{each}" for each in range(FIRST_DECLARED, int(number) + 1)}
        for version in sorted(versions - self._over):
            if not await self._is_over(version):
                return False
            self._over.add(version)
        return True

    async def _is_over(self, version: str) -> bool:
        handle = self.client.get_workflow_handle(reprojection_workflow_id(version))
        try:
            described = await handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return True
            if is_away(error):
                return False
            raise
        return described.status is not WorkflowExecutionStatus.RUNNING

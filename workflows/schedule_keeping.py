"""Schedules of all municipalities: asked of intake, brought into Temporal, and kept so while a worker runs."""

from __future__ import annotations

import asyncio

import grpc
import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from socialcare.intake.v1.intake_service_pb2 import ListMunicipalitiesRequest
from socialcare.intake.v1.intake_service_pb2_grpc import IntakeServiceStub
from workflows.channels import TokenFile
from workflows.schedules import register_schedules
from workflows.texts import Language

__all__ = ["ScheduleKeeper"]

_PATIENCE_SECONDS = 30


class ScheduleKeeper:
    """Gives every municipality its Schedules; repeatable, by any number of workers."""

    def __init__(self, client: Client, intake: grpc.aio.Channel, token: TokenFile, language: Language) -> None:
        self._client = client
        self._intake = IntakeServiceStub(intake)
        self._token = token
        self._language = language
        self._log = structlog.get_logger()
        self._kept: set[str] = set()

    async def register_all(self) -> int:
        """Number of Schedules that were missing; a municipality that this keeper has served already is not asked again.

        Raises grpc.aio.AioRpcError, temporalio.service.RPCError.
        """
        created, page_token = 0, ""
        while True:
            page = await self._intake.ListMunicipalities(
                ListMunicipalitiesRequest(page_token=page_token),
                metadata=grpc.aio.Metadata(("authorization", f"Bearer {self._token.read()}")),
                timeout=_PATIENCE_SECONDS,
                wait_for_ready=True,
            )
            fresh = [each for each in page.municipality_ids if each not in self._kept]
            created += len(await register_schedules(self._client, fresh, self._language))
            self._kept.update(fresh)
            page_token = page.next_page_token
            if not page_token:
                return created

    async def keep(self, seconds: float) -> None:
        """Register again and again, so that a municipality set up today has its runs tonight; ends when cancelled."""
        while True:
            try:
                created = await self.register_all()
            except (grpc.aio.AioRpcError, RPCError) as error:
                self._log.warning("schedules_not_kept", error=type(error).__name__)
            else:
                if created:
                    self._log.info("schedules_created", schedules=created)
            await asyncio.sleep(seconds)

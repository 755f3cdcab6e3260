"""A client with nothing but the contracts: asks by name, reads every detail of a refusal, looks at the databases."""

from __future__ import annotations

import asyncio
import importlib
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from cli.local.stack import LocalStack
from services.kernel.codes import Role, Stage

__all__ = ["AT", "EXAMPLE", "Asker", "Case", "Refusal", "identifier", "open_case", "request_id", "service_of"]

EXAMPLE: Mapping[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs/examples/application.json").read_text(encoding="utf-8")
)
AT = "2026-01-19T10:15:00+02:00"
DETAILS = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.ResourceInfo,
    error_details_pb2.RetryInfo,
    error_details_pb2.LocalizedMessage,
)
WEIGHTS = (2, 4, 8, 5, 10, 9, 7, 3, 6)
PATIENCE_SECONDS = 120.0
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'audit' ORDER BY tablename"
_CONTENT = """
SELECT '{table}' AS name, count(*) AS rows, coalesce(md5(string_agg(line, E'\\n' ORDER BY line)), '') AS content
FROM (SELECT CAST(t AS text) AS line FROM "{table}" t) lines"""

Picture = dict[tuple[Stage, str], tuple[int, str]]


def request_id() -> str:
    return str(uuid.uuid4())


def identifier(serial: int) -> str:
    """A valid number of a woman born on 12 March 1945; the serials from 950 are nobody's."""
    digits = f"450312{serial}"
    return digits + str(sum(int(digit) * weight for digit, weight in zip(digits, WEIGHTS, strict=True)) % 11 % 10)


@dataclass(frozen=True)
class Refusal:
    """A status with its details by name; `fields` are those that BadRequest names."""

    code: str
    message: str
    details: Mapping[str, Any]

    @property
    def reason(self) -> str:
        return str(self.details["ErrorInfo"].reason)

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.details["ErrorInfo"].metadata)

    @property
    def fields(self) -> list[str]:
        return [one.field for one in self.details["BadRequest"].field_violations]


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # It reads code, details and metadata only.
    found: dict[str, Any] = {}
    for packed in status.details if status is not None else ():
        (kind,) = (kind for kind in DETAILS if packed.Is(kind.DESCRIPTOR))
        message = kind()
        packed.Unpack(message)
        assert kind.__name__ not in found
        found[kind.__name__] = message
    return Refusal(error.code().name, error.details() or "", found)


def service_of(stage: Stage) -> ServiceDescriptor:
    module = importlib.import_module(f"socialcare.{stage.package}.v1.{stage.package}_service_pb2")
    service: ServiceDescriptor = module.DESCRIPTOR.services_by_name[f"{stage.package.title()}Service"]
    return service


@dataclass
class Asker:
    """Calls methods of a running stack; bodies are JSON, as a person with a command line writes them."""

    stack: LocalStack
    channels: dict[Stage, grpc.aio.Channel] = field(default_factory=dict)
    databases: dict[Stage, tuple[asyncpg.Connection, str]] = field(default_factory=dict)
    """A connection to each, and the question what all its tables hold."""

    def token(self, role: Role, *municipalities: str, person: str = "") -> str:
        return self.stack.keys.mint(role, municipalities=frozenset(municipalities) or None, person=person)

    async def ask(
        self,
        stage: Stage,
        method: str,
        body: Mapping[str, Any],
        token: str | None,
        *,
        timeout: float = 30.0,
        **metadata: str,
    ) -> Any:
        """The answer; raises AioRpcError."""
        described = service_of(stage).methods_by_name[method]
        request: Message = ParseDict(body, GetMessageClass(described.input_type)())
        if stage not in self.channels:
            self.channels[stage] = grpc.aio.insecure_channel(self.stack.state.services[stage])
        call = self.channels[stage].unary_unary(
            f"/{described.containing_service.full_name}/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(described.output_type).FromString,
        )
        sent = {"x-business-time": AT} | {name.replace("_", "-"): value for name, value in metadata.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        return await call(request, metadata=tuple(sent.items()), timeout=timeout)

    async def refusal(
        self, stage: Stage, method: str, body: Mapping[str, Any], token: str | None, **more: Any
    ) -> Refusal:
        """The refusal that must come, after which every database must be as before."""
        before = await self.quiet_picture()
        try:
            answer = await self.ask(stage, method, body, token, **more)
        except grpc.aio.AioRpcError as error:
            refusal = refusal_of(error)
        else:
            raise AssertionError(f"{method} was not refused: {answer}")
        assert changed(before, await self.picture()) == {}
        return refusal

    async def quiet_picture(self) -> Picture:
        """What is stored, once the workflows of earlier tests have nothing left to do."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            seen = await self.picture()
            while True:
                await asyncio.sleep(0.2)
                now = await self.picture()
                if now == seen:
                    return now
                seen = now

    async def picture(self) -> Picture:
        """Rows and contents of every table but the audit trail, which a refusal is to change."""
        pages = await asyncio.gather(*map(self._tables, Stage))
        return {
            (stage, table): state for stage, page in zip(Stage, pages, strict=True) for table, state in page.items()
        }

    async def _tables(self, stage: Stage) -> dict[str, tuple[int, str]]:
        if stage not in self.databases:
            connection = await asyncpg.connect(self.stack.state.dsns[stage])
            self.databases[stage] = (
                connection,
                " UNION ALL ".join(_CONTENT.format(table=row["tablename"]) for row in await connection.fetch(_TABLES)),
            )
        connection, everything = self.databases[stage]
        return {row["name"]: (row["rows"], row["content"]) for row in await connection.fetch(everything)}

    async def close(self) -> None:
        for channel in self.channels.values():
            await channel.close()
        for connection, _ in self.databases.values():
            await connection.close()


def changed(before: Picture, after: Picture) -> dict[tuple[Stage, str], tuple[int, int]]:
    """Rows before and after of every table that is not as it was."""
    return {place: (state[0], after[place][0]) for place, state in before.items() if after[place] != state}


@dataclass(frozen=True)
class Case:
    """A registered case of home patronage in a municipality of its own, its assessment open."""

    municipality: str
    application: str
    person: str
    submission: Mapping[str, Any]

    def again(self, **changes: Any) -> dict[str, Any]:
        """Its submission under a new request id, with other values; those of `person` by field, None leaves out."""
        person = dict(self.submission["person"]) | changes.pop("person", {})
        body = {**self.submission, "request_id": request_id(), "person": person, **changes}
        body["person"] = {name: value for name, value in person.items() if value is not None}
        return {name: value for name, value in body.items() if value is not None}


async def open_case(asker: Asker) -> Case:
    """Set up a municipality and open a case in it."""
    municipality = f"REFUSALS-{secrets.token_hex(3).upper()}"
    setup = {"request_id": request_id(), "municipality_id": municipality}
    await asker.ask(Stage.INTAKE, "CreateMunicipality", setup, asker.token(Role.ADMIN))
    submission = {**EXAMPLE, "request_id": request_id(), "municipality_id": municipality}
    worker = asker.token(Role.SOCIAL_WORKER)
    application = (await asker.ask(Stage.INTAKE, "SubmitApplication", submission, worker)).application
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                about = {"application_id": application.application_id}
                await asker.ask(Stage.ASSESSMENT, "GetAssessment", about, worker)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
                await asyncio.sleep(0.2)
            else:
                return Case(municipality, application.application_id, application.person_id, submission)

"""A proposal is checked by delivery itself, over the wire, with assessment's own identity."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from services.assessment.peers import DeliveryOverGrpc
from services.delivery.__main__ import SERVICE
from services.kernel.codes import Role, Stage
from services.runtime.auth import mint_token, write_signing_key
from services.runtime.crypto import write_key_ring
from services.runtime.errors import DomainError
from services.runtime.peers import Peers
from services.runtime.server import Server
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry, configure_logging
from socialcare.assessment.v1 import needs_pb2
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import resources_pb2 as intake_pb2

pytestmark = pytest.mark.postgres


@pytest.fixture
async def delivery(
    migrated_database: Callable[[Stage], Awaitable[str]], tmp_path: Path
) -> AsyncIterator[DeliveryOverGrpc]:
    key = write_signing_key(tmp_path / "key.pem", tmp_path / "public.pem")
    write_key_ring(tmp_path / "ring.json")
    token = mint_token(key, subject="service-assessment", roles=frozenset({Role.SERVICE}))
    (tmp_path / "token").write_text(token, encoding="ascii")
    settings = Settings(
        bind="127.0.0.1:0",
        metrics_bind="127.0.0.1:0",
        dsn=await migrated_database(Stage.DELIVERY),
        auth_public_key_file=tmp_path / "public.pem",
        key_ring_file=tmp_path / "ring.json",
        token_file=tmp_path / "token",
        temporal_address="127.0.0.1:1",
    )
    server = Server(SERVICE, settings, Telemetry(log=configure_logging("error", service="delivery")))
    await server.start()
    peers = Peers(settings.model_copy(update={"delivery_address": f"127.0.0.1:{server.port}"}))
    yield DeliveryOverGrpc(peers)
    await peers.close()
    await server.stop()


def plan(code: str, hours: int, day: types_pb2.Weekday) -> needs_pb2.ProposePlanRequest:
    line = facts_pb2.PlanLine(code=code, quantity=hours, weekdays=[day])
    return needs_pb2.ProposePlanRequest(
        application_id=str(uuid4()), start_date={"year": 2026, "month": 2, "day": 2}, lines=[line]
    )


async def test_four_hours_on_a_working_day_may_be_proposed(delivery: DeliveryOverGrpc) -> None:
    case = intake_pb2.CaseFacts(service_code="ASSISTANT_SUPPORT")
    await delivery.check_plan(plan("ASSISTANT_SUPPORT", 4, types_pb2.WEEKDAY_MON), case)


@pytest.mark.parametrize(
    ("code", "hours", "day", "reason"),
    [
        ("ASSISTANT_SUPPORT", 5, types_pb2.WEEKDAY_MON, "HOURS_LIMIT_EXCEEDED"),
        ("ASSISTANT_SUPPORT", 2, types_pb2.WEEKDAY_SAT, "HOURS_LIMIT_EXCEEDED"),
        ("HSP_MEAL_DELIVERY", 1, types_pb2.WEEKDAY_MON, "UNKNOWN_PLAN_CODE"),
    ],
)
async def test_what_may_not_be_signed_may_not_be_proposed(
    delivery: DeliveryOverGrpc, code: str, hours: int, day: types_pb2.Weekday, reason: str
) -> None:
    with pytest.raises(DomainError) as refusal:
        await delivery.check_plan(plan(code, hours, day), intake_pb2.CaseFacts(service_code="ASSISTANT_SUPPORT"))
    assert refusal.value.reason == reason


async def test_the_papers_of_the_signing_are_not_asked_for_yet(delivery: DeliveryOverGrpc) -> None:
    case = intake_pb2.CaseFacts(service_code="HSP")
    for code in ("HSP_MEDICAL_REHAB", "HSP_SOCIAL_REHAB"):
        await delivery.check_plan(plan(code, 1, types_pb2.WEEKDAY_TUE), case)

"""The races about an order on record: who follows it, who has its number, what a contract finds of it (S4a, R-33)."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any
from uuid import uuid4

from drill.races_for_places import CLOSED_AT, DIRECTORATE, Office
from drill.racing import Field, Race, refusal_of, require
from drill.replicas import Replica
from services.kernel.codes import Role, Stage
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb
from socialcare.placement.v1 import register_pb2

__all__ = ["RACES_FOR_ORDERS"]

_START = date(2026, 6, 1)
_REVOKED_FROM = date(2026, 5, 25)
_LAST_REVOKED = date(2026, 5, 24)
_ACTS = "SELECT act_id, number, state, replaces FROM acts WHERE application_id = :id ORDER BY recorded_at"
_COVERED = "SELECT basis_date, basis_until FROM placements WHERE application_id = :id"


def _paper(number: str) -> register_pb2.ActPaper:
    return register_pb2.ActPaper(number=number, act_date=date_to_proto(CLOSED_AT.date()))


async def _act_in_force(field: Field, case: str) -> str:
    (act,) = await field.first.rows(_ACTS, {"id": case})
    return str(act.act_id)


def _supersede(office: Office, replica: Replica, act: str, number: str, first: date) -> partial[Any]:
    request = register_pb2.SupersedeOrderRequest(
        request_id=str(uuid4()), act_id=act, paper=_paper(number), effective_from=date_to_proto(first)
    )
    return partial(office.ask, replica, request, CLOSED_AT, Role.DIRECTORATE)


def _revoke(office: Office, replica: Replica, act: str, number: str) -> partial[Any]:
    request = register_pb2.RevokeOrderRequest(
        request_id=str(uuid4()), act_id=act, paper=_paper(number), revoked_from=date_to_proto(_REVOKED_FROM)
    )
    return partial(office.ask, replica, request, CLOSED_AT, Role.DIRECTORATE)


async def superseded_or_revoked(field: Field) -> str:
    """An order is superseded as it is revoked: one act follows it, and the case is covered by what that one says."""
    office = Office(field)
    case = await office.ordered(await office.facility(1))
    act, number = await _act_in_force(field, case), uuid4().hex[:12]
    runs = (
        _supersede(office, field.first, act, f"НОВ-{number}", CLOSED_AT.date()),
        _revoke(office, field.second, act, f"ОТМ-{number}"),
    )
    answers = await field.release(*runs)
    answers_in_the_end = [await field.settled(*pair) for pair in zip(answers, runs, strict=True)]
    before, following = await field.first.rows(_ACTS, {"id": case})
    require(following.replaces == before.act_id, "one act follows the order")
    (covered,) = await field.first.rows(_COVERED, {"id": case})
    if following.number.startswith("НОВ"):
        require(before.state == "SUPERSEDED", "the order is superseded")
        require(covered.basis_until is None, "the case stays covered")
        refusal_of(answers_in_the_end[1], "STATE_NOT_ALLOWED")
        return "supersession"
    require(before.state == "REVOKED", "the order is revoked")
    require(covered.basis_until == _LAST_REVOKED, "the case is covered up to the day before")
    refusal_of(answers_in_the_end[0], "STATE_NOT_ALLOWED")
    return "revocation"


async def number_of_a_following_order(field: Field) -> str:
    """An order is recorded as another is superseded under the same number: one of them has it."""
    office = Office(field)
    facilities = [await office.facility(1) for _ in range(2)]
    placed, awaited = await office.ordered(facilities[0]), await office.case(facilities[1])
    act, number = await _act_in_force(field, placed), f"РД-{uuid4().hex[:12]}"
    superseded, recorded = await field.release(
        _supersede(office, field.first, act, number, CLOSED_AT.date()),
        office.order(field.second, awaited, facilities[1], number),
    )
    owners = await field.first.rows(
        "SELECT application_id FROM acts WHERE authority = :authority AND number = :number",
        {"authority": DIRECTORATE, "number": number},
    )
    require(len(owners) == 1, "the number is on record once")
    acts = await field.first.rows(_ACTS, {"id": placed})
    if owners[0].application_id == placed:
        refusal_of(recorded, "ORDER_NUMBER_TAKEN")
        require([act.state for act in acts] == ["SUPERSEDED", "RECORDED"], "the order is superseded")
        require(await office.state(awaited) == "ORDER_AWAITED", "the other case still waits")
        require(await office.places(facilities[1]) == (1, 0, 0), "it holds no place")
        return "supersession"
    refusal_of(superseded, "ORDER_NUMBER_TAKEN")
    require([act.state for act in acts] == ["RECORDED"], "the order stays in force")
    require(await office.state(awaited) == "READY", "the other case is placed")
    return "order"


async def signing_under_a_revoked_order(field: Field) -> str:
    """The contract is signed as the order is revoked from before its first day: cut short, or never signed."""
    office = Office(field)
    case = await office.ordered(await office.facility(1))
    act = await _act_in_force(field, case)
    signing = pb.SignContractRequest(
        request_id=str(uuid4()),
        application_id=case,
        plan=[facts_pb2.PlanLine(code="DAY_CENTRE", quantity=1, weekdays=[types_pb2.WEEKDAY_TUE])],
        start_date=date_to_proto(_START),
    )
    sign = partial(office.ask, field.first, signing, CLOSED_AT)
    revoke = _revoke(office, field.second, act, f"ОТМ-{uuid4().hex[:12]}")
    signed, revoked = await field.release(sign, revoke)
    require(not isinstance(await field.settled(revoked, revoke), Exception), "the directorate may always revoke")
    contracts = await field.first.rows("SELECT authorised_to FROM contracts WHERE application_id = :id", {"id": case})
    if contracts:
        require(not isinstance(signed, Exception), "the contract was signed")
        require(contracts[0].authorised_to == _LAST_REVOKED, "it covers no day behind the revocation")
        return "signing"
    refusal_of(signed, "ORDER_MISSING")
    require(await office.state(case) == "READY", "the case waits for an order that covers it")
    return "revocation"


RACES_FOR_ORDERS = (
    Race(
        "an order superseded while it is revoked",
        Stage.PLACEMENT,
        ("supersession", "revocation"),
        superseded_or_revoked,
    ),
    Race(
        "an order recorded while another is superseded under its number",
        Stage.PLACEMENT,
        ("order", "supersession"),
        number_of_a_following_order,
    ),
    Race(
        "signing while the order is revoked",
        Stage.PLACEMENT,
        ("signing", "revocation"),
        signing_under_a_revoked_order,
    ),
)
"""Races about an order on record."""

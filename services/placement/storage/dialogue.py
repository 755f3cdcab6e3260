"""SQL of the dialogue with directorates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from services.kernel.dates import local_date
from services.placement.domain.cases import Placement
from services.placement.domain.dialogue import (
    OrderRequest,
    Receipt,
    RequestOutcome,
    RequestState,
    RequestStep,
    Said,
    WaitingRequest,
    request_after,
)
from services.placement.storage.register import take_number
from services.runtime.crypto import PersonCipher, Sealed
from services.runtime.database import ReadTx, WriteTx

__all__ = [
    "Backlog",
    "WaitingPage",
    "backlogs",
    "dialogue_of",
    "is_returned",
    "keep_receipt",
    "keep_step",
    "open_request",
    "open_request_of",
    "request_of",
    "sealed",
    "settle",
    "waiting",
]

_FIELD = "order_request_words"
_COLUMNS = """
r.application_id, r.round, r.year, r.own_number, r.directorate_code, r.state, r.outcome, r.sent_at, r.waiting_since,
r.settled_at, r.incoming_number, r.incoming_date, r.reminders, r.returns
"""
_OPEN = f"SELECT {_COLUMNS} FROM order_requests r WHERE application_id = :id AND state <> 'SETTLED'"  # noqa: S608 constants
_ALL = f"SELECT {_COLUMNS} FROM order_requests r WHERE application_id = :id ORDER BY round"  # noqa: S608 constants
_ONE = f"SELECT {_COLUMNS} FROM order_requests r WHERE application_id = :id AND round = :round"  # noqa: S608 constants
_STEPS = """
SELECT round, number, step, at, words FROM order_request_steps WHERE application_id = :id ORDER BY round, number
"""
_INSERT = """
INSERT INTO order_requests (application_id, round, municipality_id, year, own_number, directorate_code, state, sent_at,
                            waiting_since)
SELECT :application_id, coalesce(max(round), 0) + 1, :municipality_id, :year, :own_number, :directorate_code, 'SENT',
       :now, :now
FROM order_requests WHERE application_id = :application_id
"""
_SETTLE = """
UPDATE order_requests SET state = 'SETTLED', outcome = :outcome, settled_at = :now
WHERE application_id = :id AND state <> 'SETTLED'
"""
_STEP = """
UPDATE order_requests
SET state = :state, reminders = :reminders, returns = :returns, waiting_since = :waiting_since
WHERE application_id = :id AND round = :round
"""
_INSERT_STEP = """
INSERT INTO order_request_steps (application_id, round, number, step, at, words)
SELECT :id, :round, count(*) + 1, :step, :now, :words
FROM order_request_steps WHERE application_id = :id AND round = :round
"""
_RECEIPT = """
UPDATE order_requests SET incoming_number = :number, incoming_date = :on
WHERE application_id = :id AND round = :round
"""
_WAITING = f"""
SELECT {_COLUMNS}, d.due_date
FROM order_requests r JOIN LATERAL (
    SELECT due_date FROM time_limits t
    WHERE t.application_id = r.application_id AND kind = 'order_decision' ORDER BY number DESC LIMIT 1
) AS d ON true
WHERE r.municipality_id = :municipality_id AND r.state IN ('SENT', 'ACKNOWLEDGED')
  AND (CAST(:directorate_code AS text) = '' OR r.directorate_code = :directorate_code)
  AND (r.waiting_since, r.application_id) > (CAST(:after_time AS timestamptz), CAST(:after_id AS text))
ORDER BY r.waiting_since, r.application_id LIMIT :size
"""  # noqa: S608 constants of this module
_BACKLOGS = """
SELECT directorate_code, count(*) AS requests, min(waiting_since) AS since
FROM order_requests WHERE state IN ('SENT', 'ACKNOWLEDGED') GROUP BY directorate_code
"""
_IS_RETURNED = """
SELECT EXISTS (SELECT FROM order_requests WHERE application_id = :id AND state = 'RETURNED') AS returned
"""


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """Which waiting requests to list."""

    municipality_id: str
    directorate_code: str
    """Empty: all."""
    after: tuple[datetime, str]
    """Last sending and application of the last row seen."""
    size: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one directorate has not answered."""

    directorate_code: str
    requests: int
    since: datetime
    """Last sending of the one that waits longest."""


async def open_request(tx: WriteTx, placement: Placement, now: datetime) -> None:
    """Keep a request that goes out now, under the municipality's next number."""
    year = local_date(now).year
    own = await take_number(tx, placement.municipality_id, "ORDER_REQUEST", year)
    await tx.run(
        _INSERT,
        {
            "application_id": placement.application_id,
            "municipality_id": placement.municipality_id,
            "year": year,
            "own_number": own,
            "directorate_code": placement.directorate_code,
            "now": now,
        },
    )


async def settle(tx: WriteTx, application_id: str, outcome: RequestOutcome, now: datetime) -> None:
    """Settle the open request, if there is one."""
    await tx.run(_SETTLE, {"id": application_id, "outcome": outcome, "now": now})


async def open_request_of(tx: ReadTx, application_id: str) -> OrderRequest | None:
    """The request that is not settled; None when there is none."""
    row = await tx.one_or_none(_OPEN, {"id": application_id})
    return None if row is None else _request(row)


async def request_of(tx: ReadTx, application_id: str, number: int) -> OrderRequest:
    """The request of that round; NoResultFound when there is none."""
    return _request(await tx.one(_ONE, {"id": application_id, "round": number}))


async def keep_step(tx: WriteTx, before: OrderRequest, step: RequestStep, now: datetime, words: Sealed | None) -> None:
    """Store a step that somebody took and what the request has become."""
    key = {"id": before.application_id, "round": before.round}
    await tx.run(_INSERT_STEP, {**key, "step": step, "now": now, "words": words})
    await tx.run(
        _STEP,
        {
            **key,
            "state": request_after(before.state, step),
            "reminders": before.reminders + int(step is RequestStep.REMIND),
            "returns": before.returns + int(step is RequestStep.RETURN),
            "waiting_since": now if step is RequestStep.SEND_AGAIN else before.waiting_since,
        },
    )


async def keep_receipt(tx: WriteTx, request: OrderRequest, receipt: Receipt) -> None:
    """Store under which number the directorate took the request in."""
    key = {"id": request.application_id, "round": request.round}
    await tx.run(_RECEIPT, {**key, "number": receipt.number, "on": receipt.on})


async def is_returned(tx: ReadTx, application_id: str) -> bool:
    """Whether the directorate waits for the office's reply."""
    return bool(await tx.scalar(_IS_RETURNED, {"id": application_id}))


async def dialogue_of(tx: ReadTx, application_id: str, person_id: str, cipher: PersonCipher) -> list[OrderRequest]:
    """Every request of a case with what was said about it."""
    said: dict[int, list[Said]] = {}
    for row in await tx.all(_STEPS, {"id": application_id}):
        words = "" if row.words is None else await cipher.open(tx, person_id, _FIELD, row.words)
        said.setdefault(row.round, []).append(Said(row.number, RequestStep(row.step), row.at, words))
    rows = await tx.all(_ALL, {"id": application_id})
    return [replace(_request(row), said=tuple(said.get(row.round, ()))) for row in rows]


async def sealed(tx: WriteTx, person_id: str, words: str, cipher: PersonCipher) -> Sealed | None:
    """Words under the person's key; None for none."""
    return await cipher.seal(tx, person_id, _FIELD, words) if words else None


async def waiting(tx: ReadTx, page: WaitingPage) -> Sequence[WaitingRequest]:
    """A page of requests that nobody has answered, the longest waiting first."""
    after_time, after_id = page.after
    rows = await tx.all(
        _WAITING,
        {
            "municipality_id": page.municipality_id,
            "directorate_code": page.directorate_code,
            "after_time": after_time,
            "after_id": after_id,
            "size": page.size,
        },
    )
    return [WaitingRequest(_request(row), row.due_date) for row in rows]


async def backlogs(tx: ReadTx) -> Mapping[str, Backlog]:
    """What waits now, by directorate."""
    rows = await tx.all(_BACKLOGS)
    return {row.directorate_code: Backlog(row.directorate_code, row.requests, row.since) for row in rows}


def _request(row: Row[Any]) -> OrderRequest:
    receipt = None if row.incoming_date is None else Receipt(row.incoming_number, row.incoming_date)
    return OrderRequest(
        application_id=row.application_id,
        round=row.round,
        year=row.year,
        own_number=row.own_number,
        directorate_code=row.directorate_code,
        state=RequestState(row.state),
        sent_at=row.sent_at,
        waiting_since=row.waiting_since,
        receipt=receipt,
        reminders=row.reminders,
        returns=row.returns,
        outcome=None if row.outcome is None else RequestOutcome(row.outcome),
        settled_at=row.settled_at,
    )

"""The races of a month's bills: nobody is billed twice, whoever comes first (S9, F-18)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from google.protobuf.message import Message

from drill.racing import Field, Race, refusal_of, require
from drill.replicas import Replica
from services.billing.domain.accounts import Contract
from services.billing.rules.payment_reference import payment_reference
from services.kernel.codes import Role, Stage
from services.kernel.dates import SOFIA, Month, start_of_day
from services.kernel.money import Currency, Money
from services.runtime.civil import money_to_proto, month_to_proto
from socialcare.billing.v1 import arrears_pb2, payments_pb2, runs_pb2
from socialcare.billing.v1 import billing_service_pb2 as pb
from socialcare.common.v1 import facts_pb2

__all__ = ["RACES_FOR_BILLS"]

_FEBRUARY, _MARCH = Month(2026, 2), Month(2026, 3)
_DECLARED = datetime(2026, 2, 1, 10, tzinfo=SOFIA)
_IN_MARCH, _IN_APRIL = start_of_day(_MARCH.first), start_of_day(_MARCH.next().first)
_OVERDUE = datetime(2026, 3, 26, 3, tzinfo=SOFIA)
_PAYERS = 4


class _Clerk:
    """Plays the people and the worker of a municipality that no other round has."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.municipality = f"RACE-{uuid4().hex[:12].upper()}"

    async def ask(self, replica: Replica, request: Message, at: datetime, role: Role = Role.BILLING_CLERK) -> Any:  # noqa: ANN401 the answer of whichever method
        return await replica.ask(request, at, role, self.municipality)

    async def account(self) -> str:
        """Somebody in care since February, with an income."""
        case = str(uuid4())
        cost = Money.of("230.00", Currency.EUR)
        self.field.elsewhere.contracts[case] = Contract(
            case, str(uuid4()), self.municipality, f"person-{case}", "HSP", date(2026, 2, 1), None, None, cost, None, 1
        )
        request = pb.DeclareIncomeRequest(
            request_id=str(uuid4()),
            application_id=case,
            from_month=month_to_proto(_FEBRUARY),
            income=[facts_pb2.Income(kind="PENSION", amount=money_to_proto(Money.of("300.00", Currency.EUR)))],
        )
        await self.ask(self.field.first, request, _DECLARED)
        return case

    async def opened(self, month: Month, at: datetime) -> str:
        request = pb.OpenBillingRunRequest(
            request_id=str(uuid4()), municipality_id=self.municipality, month=month_to_proto(month)
        )
        return str((await self.ask(self.field.first, request, at, Role.WORKER)).run_id)

    def draft(self, replica: Replica, run: str, at: datetime) -> partial[Any]:
        request = pb.DraftPageRequest(request_id=str(uuid4()), run_id=run)
        return partial(self.ask, replica, request, at, Role.WORKER)

    def decide(self, replica: Replica, kind: Any, month: Month, at: datetime) -> partial[Any]:  # noqa: ANN401 approve or reject
        request = kind(request_id=str(uuid4()), municipality_id=self.municipality, month=month_to_proto(month))
        return partial(self.ask, replica, request, at)

    async def finish(self, run: str, month: Month, at: datetime) -> None:
        """Approve, issue, close."""
        first = self.field.first
        await self.decide(first, pb.ApproveBillingRunRequest, month, at)()
        await self.ask(first, pb.IssuePageRequest(request_id=str(uuid4()), run_id=run), at, Role.WORKER)
        await self.ask(first, pb.CloseBillingRunRequest(request_id=str(uuid4()), run_id=run), at, Role.WORKER)

    def rerun(self, replica: Replica, case: str, request_id: str = "") -> partial[Any]:
        request = runs_pb2.RerunAccountRequest(
            request_id=request_id or str(uuid4()), application_id=case, month=month_to_proto(_FEBRUARY)
        )
        return partial(self.ask, replica, request, _IN_MARCH)

    async def parked(self) -> str:
        """An account that February's finished run has parked: delivery did not know it then."""
        await self.account()
        case = await self.account()
        self.field.elsewhere.unserved.add(case)
        run = await self.opened(_FEBRUARY, _IN_MARCH)
        await self.draft(self.field.first, run, _IN_MARCH)()
        await self.finish(run, _FEBRUARY, _IN_MARCH)
        self.field.elsewhere.unserved.discard(case)
        return case

    def file(self, numbers: Sequence[int]) -> payments_pb2.ImportBankFileRequest:
        """A bank file that pays 180.00 for each invoice, by its reference."""
        head = "account,reference,booked_date,amount,currency,creditor_reference,remittance,payer_name,payer_account"
        rows = [f"OURS,{number},2026-03-26,180.00,EUR,{payment_reference(number)},,," for number in numbers]
        return payments_pb2.ImportBankFileRequest(
            request_id=str(uuid4()),
            municipality_id=self.municipality,
            format=payments_pb2.BANK_FILE_FORMAT_CSV,
            content="\n".join((head, *rows)).encode(),
        )

    async def numbers(self) -> list[int]:
        rows = await self.field.first.rows(
            "SELECT number FROM invoices WHERE municipality_id = :id ORDER BY number", {"id": self.municipality}
        )
        return [row.number for row in rows]


async def one_page_of_drafts(field: Field) -> str:
    """Two workers draft the same page: each account has one draft."""
    clerk = _Clerk(field)
    for _ in range(2):
        await clerk.account()
    run = await clerk.opened(_FEBRUARY, _IN_MARCH)
    one, other = await field.release(
        clerk.draft(field.first, run, _IN_MARCH), clerk.draft(field.second, run, _IN_MARCH)
    )
    drafts = [answer.drafts if not isinstance(answer, Exception) else -1 for answer in (one, other)]
    require(sorted(drafts) == [0, 2], f"one worker drafts both, not {drafts}")
    await clerk.finish(run, _FEBRUARY, _IN_MARCH)
    require(await clerk.numbers() == [1, 2], "each account has one invoice")
    return "first worker" if drafts[0] else "second worker"


async def account_run_alone_twice(field: Field) -> str:
    """Two clerks bill the same parked account: it has one invoice, with the next number."""
    clerk = _Clerk(field)
    case = await clerk.parked()
    ids = [str(uuid4()), str(uuid4())]
    answers = await field.release(
        *(clerk.rerun(replica, case, each) for replica, each in zip(field.replicas, ids, strict=True))
    )
    for answer in answers:
        require(not isinstance(answer, Exception), f"both are answered, not {answer}")
        require([each.number for each in answer.account.invoices] == [2], "the one invoice is shown to both")
    require(await clerk.numbers() == [1, 2], "the account has one invoice")
    row = await field.first.rows(
        "SELECT k.request_id FROM idempotency k JOIN invoices i ON i.xmin = k.xmin WHERE i.case_id = :case",
        {"case": case},
    )
    return "first clerk" if row[0].request_id == ids[0] else "second clerk"


async def account_alone_or_next_month(field: Field) -> str:
    """March's run takes up what February parked while a clerk bills it alone: February is billed once."""
    clerk = _Clerk(field)
    case = await clerk.parked()
    run = await clerk.opened(_MARCH, _IN_APRIL)
    alone, drafted = await field.release(clerk.rerun(field.first, case), clerk.draft(field.second, run, _IN_APRIL))
    for answer in (alone, drafted):
        require(not isinstance(answer, Exception), f"both are answered, not {answer}")
    issued = len(alone.account.invoices)
    token = drafted.next_page_token
    while token:
        request = pb.DraftPageRequest(request_id=str(uuid4()), run_id=run, page_token=token)
        token = (await clerk.ask(field.first, request, _IN_APRIL, Role.WORKER)).next_page_token
    await clerk.finish(run, _MARCH, _IN_APRIL)
    require(await clerk.numbers() == [1, 2, 3, 4], "two accounts have two months each")
    months = await field.first.rows("SELECT month FROM invoices WHERE case_id = :case ORDER BY month", {"case": case})
    require([row.month for row in months] == [_FEBRUARY.first, _MARCH.first], "each month is billed once")
    return "alone" if issued else "next month"


async def approved_or_rejected(field: Field) -> str:
    """One clerk approves a month while another rejects it: the first wins, the other one is told."""
    clerk = _Clerk(field)
    await clerk.account()
    run = await clerk.opened(_FEBRUARY, _IN_MARCH)
    await clerk.draft(field.first, run, _IN_MARCH)()
    approved, rejected = await field.release(
        clerk.decide(field.first, pb.ApproveBillingRunRequest, _FEBRUARY, _IN_MARCH),
        clerk.decide(field.second, pb.RejectBillingRunRequest, _FEBRUARY, _IN_MARCH),
    )
    state = await field.first.value("SELECT state FROM billing_runs WHERE run_id = CAST(:run AS uuid)", {"run": run})
    if isinstance(rejected, Exception):
        refusal_of(rejected, "STATE_NOT_ALLOWED")
        require(state == "APPROVED" and not isinstance(approved, Exception), "the month is approved")
        return "approval"
    refusal_of(approved, "STATE_NOT_ALLOWED")
    require(state == "DRAFTING", "the month is drafted again")
    return "rejection"


async def found_late_or_paid(field: Field) -> str:
    """The nightly look for late invoices meets a bank file that pays them all: neither is in the other's way."""
    clerk = _Clerk(field)
    for _ in range(_PAYERS):
        await clerk.account()
    run = await clerk.opened(_FEBRUARY, _IN_MARCH)
    await clerk.draft(field.first, run, _IN_MARCH)()
    await clerk.finish(run, _FEBRUARY, _IN_MARCH)
    looking = arrears_pb2.SweepArrearsRequest(request_id=str(uuid4()), municipality_id=clerk.municipality)
    swept, imported = await field.release(
        partial(clerk.ask, field.first, looking, _OVERDUE, Role.WORKER),
        partial(clerk.ask, field.second, clerk.file(await clerk.numbers()), _OVERDUE),
    )
    for answer in (swept, imported):
        require(not isinstance(answer, Exception), f"both are answered, not {answer}")
    require(imported.settled == _PAYERS, "every invoice is paid")
    require(swept.moved in {0, _PAYERS}, f"all are late or none, not {swept.moved}")
    return "look" if swept.moved else "file"


RACES_FOR_BILLS: tuple[Race, ...] = (
    Race("two workers draft one page", Stage.BILLING, ("first worker", "second worker"), one_page_of_drafts),
    Race("a parked account run alone twice", Stage.BILLING, ("first clerk", "second clerk"), account_run_alone_twice),
    Race(
        "a parked account, alone or next month",
        Stage.BILLING,
        ("alone", "next month"),
        account_alone_or_next_month,
    ),
    Race("late invoices found or paid", Stage.BILLING, ("look", "file"), found_late_or_paid),
    Race("a month approved or rejected", Stage.BILLING, ("approval", "rejection"), approved_or_rejected),
)
"""Nobody is billed twice."""

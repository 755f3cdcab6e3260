"""A municipality edits its catalogue and its calendar while the service runs: dates, versions, refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import grpc
import pytest

from services.kernel.codes import Role
from services.runtime.civil import date_from_proto, date_to_proto
from socialcare.common.v1 import catalogue_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb

Submit = Callable[..., pb.SubmitApplicationRequest]
BEFORE = "2026-01-12 09:00"


async def entry_of(counter: Any, code: str, on: date, at: str = BEFORE) -> catalogue_pb2.CatalogueEntry:
    request = pb.ListCatalogueRequest(municipality_id="SOFIA", service_code=code, on_date=date_to_proto(on))
    (entry,) = (await counter.ask(request, at)).entries
    return entry


async def put(counter: Any, entry: catalogue_pb2.CatalogueEntry, at: str = BEFORE, **fields: Any) -> Any:
    request = pb.PutCatalogueEntryRequest(request_id=str(uuid4()), municipality_id="SOFIA", entry=entry, **fields)
    return await counter.ask(request, at, Role.MUNICIPALITY, municipalities=("SOFIA",))


async def closed_from(counter: Any, code: str, day: date) -> Any:
    entry = await entry_of(counter, code, day)
    entry.intake = catalogue_pb2.SERVICE_INTAKE_CLOSED
    entry.valid_from_date.CopyFrom(date_to_proto(day))
    return await put(counter, entry)


async def declare(counter: Any, *days: date, at: str = BEFORE, **fields: Any) -> Any:
    declared = [
        catalogue_pb2.DeclaredDay(
            on_date=date_to_proto(day), kind=catalogue_pb2.DAY_KIND_NON_WORKING, source="Решение № 1 на МС"
        )
        for day in days
    ]
    request = pb.PutCalendarOverridesRequest(
        request_id=str(uuid4()), municipality_id="SOFIA", declared_days=declared, **fields
    )
    return await counter.ask(request, at, Role.ADMIN)


def days(entries: Any) -> list[tuple[date | None, date | None]]:
    return [
        (
            date_from_proto(entry.valid_from_date, "from") if entry.HasField("valid_from_date") else None,
            date_from_proto(entry.valid_to_date, "to") if entry.HasField("valid_to_date") else None,
        )
        for entry in entries
    ]


async def test_a_service_closed_from_a_day_takes_applications_until_the_day_before(
    counter: Any, submission_of: Submit, refused_call: type[Exception]
) -> None:
    await counter.set_up()
    put_entry = await closed_from(counter, "HSP", date(2026, 2, 1))
    assert days(put_entry.entries) == [(None, date(2026, 1, 31)), (date(2026, 2, 1), None)]
    accepted = await counter.submit(submission_of(), "2026-01-31 23:59")
    assert accepted.state == types_pb2.CASE_STATE_REGISTERED
    other = submission_of(
        person={"identifier": "3812319920", "birth_date": date_to_proto(date(1938, 12, 31)), "sex": types_pb2.SEX_MALE}
    )
    with pytest.raises(refused_call) as refused:
        await counter.submit(other, "2026-02-01 00:00")
    assert refused.value.reason == "SERVICE_CLOSED"  # type: ignore[attr-defined]


async def test_a_service_closed_in_one_municipality_is_open_in_the_next(counter: Any, submission_of: Submit) -> None:
    await counter.set_up()
    await counter.set_up("PERNIK")
    await closed_from(counter, "HSP", date(2026, 1, 12))
    assert (await counter.submit(submission_of(municipality_id="PERNIK"))).state == types_pb2.CASE_STATE_REGISTERED


async def test_a_service_opens_on_its_day_and_a_code_that_nobody_shipped_can_be_applied_for(
    counter: Any, submission_of: Submit, refused_call: type[Exception]
) -> None:
    await counter.set_up()
    entry = await entry_of(counter, "CANTEEN_LUNCH", date(2026, 1, 12))
    entry.service_code = "CANTEEN_SUPPER"
    entry.valid_from_date.CopyFrom(date_to_proto(date(2026, 1, 12)))
    entry.open_from_date.CopyFrom(date_to_proto(date(2026, 2, 1)))
    await put(counter, entry)
    asked = submission_of(service_code="CANTEEN_SUPPER", document_codes=("APPLICATION_FORM", "INCOME_EVIDENCE"))
    with pytest.raises(refused_call) as refused:
        await counter.submit(asked, "2026-01-31 10:00")
    assert refused.value.reason == "NOT_YET_OPEN"  # type: ignore[attr-defined]
    assert (await counter.submit(asked, "2026-02-01 10:00")).state == types_pb2.CASE_STATE_REGISTERED


async def test_a_later_edit_takes_the_place_of_what_was_said_about_its_days_alone(counter: Any) -> None:
    await counter.set_up()
    entry = await entry_of(counter, "DAY_CENTRE", date(2026, 1, 12))
    entry.percent.default_percent = "20"
    entry.valid_from_date.CopyFrom(date_to_proto(date(2026, 2, 1)))
    await put(counter, entry)
    entry.percent.default_percent = "10"
    entry.valid_from_date.CopyFrom(date_to_proto(date(2026, 3, 1)))
    entry.valid_to_date.CopyFrom(date_to_proto(date(2026, 3, 31)))
    answer = await put(counter, entry)
    assert days(answer.entries) == [
        (None, date(2026, 1, 31)),
        (date(2026, 2, 1), date(2026, 2, 28)),
        (date(2026, 3, 1), date(2026, 3, 31)),
        (date(2026, 4, 1), None),
    ]
    assert [item.percent.default_percent for item in answer.entries] == ["30", "20", "10", "20"]


async def test_nothing_is_edited_for_a_day_that_is_over_nor_from_a_version_that_is_not_the_present_one(
    counter: Any, refused_call: type[Exception]
) -> None:
    await counter.set_up()
    entry = await entry_of(counter, "DAY_CENTRE", date(2026, 1, 12))
    entry.valid_from_date.CopyFrom(date_to_proto(date(2026, 1, 11)))
    with pytest.raises(refused_call) as late:
        await put(counter, entry)
    assert late.value.reason == "EFFECTIVE_DATE_PASSED"  # type: ignore[attr-defined]
    with pytest.raises(refused_call) as declared_late:
        await declare(counter, date(2026, 1, 11))
    assert declared_late.value.reason == "EFFECTIVE_DATE_PASSED"  # type: ignore[attr-defined]
    await declare(counter, date(2026, 1, 13), etag='"1"')
    with pytest.raises(refused_call) as stale:
        await declare(counter, date(2026, 1, 14), etag='"1"')
    assert stale.value.reason == "ETAG_MISMATCH"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("family", catalogue_pb2.SERVICE_FAMILY_CANTEEN),
        ("charge", catalogue_pb2.SERVICE_CHARGE_PKG),
        ("charge", catalogue_pb2.SERVICE_CHARGE_NONE),
    ],
)
async def test_an_entry_that_contradicts_itself_or_its_code_is_refused(
    counter: Any, refused_call: type[Exception], field: str, value: int
) -> None:
    await counter.set_up()
    entry = await entry_of(counter, "DAY_CENTRE", date(2026, 1, 12))
    entry.valid_from_date.CopyFrom(date_to_proto(date(2026, 1, 12)))
    setattr(entry, field, value)
    with pytest.raises(refused_call) as refused:
        await put(counter, entry)
    assert refused.value.reason == "INVALID_FIELD"  # type: ignore[attr-defined]


async def test_a_municipality_edits_its_own_catalogue_only(counter: Any, refused_call: type[Exception]) -> None:
    await counter.set_up()
    entry = await entry_of(counter, "DAY_CENTRE", date(2026, 1, 12))
    entry.valid_from_date.CopyFrom(date_to_proto(date(2026, 1, 12)))
    request = pb.PutCatalogueEntryRequest(request_id=str(uuid4()), municipality_id="SOFIA", entry=entry)
    with pytest.raises(refused_call) as refused:
        await counter.ask(request, BEFORE, Role.MUNICIPALITY, municipalities=("PERNIK",))
    assert refused.value.code is grpc.StatusCode.PERMISSION_DENIED  # type: ignore[attr-defined]


async def test_validate_only_shows_the_edit_and_changes_nothing(counter: Any) -> None:
    await counter.set_up()
    shown = await declare(counter, date(2026, 1, 26), validate_only=True)
    assert (shown.calendar.version, len(shown.calendar.declared_days)) == ("SOFIA-2", 3)
    kept = await counter.ask(pb.GetCalendarRequest(municipality_id="SOFIA"))
    assert (kept.calendar.version, kept.etag) == ("bg-1", '"1"')


async def test_a_declared_day_counts_at_once_for_limits_that_begin_afterwards(
    counter: Any, submission_of: Submit
) -> None:
    await counter.set_up()
    lacking = ("APPLICATION_FORM",)
    earlier = await counter.submit(submission_of(document_codes=lacking), "2026-01-12 10:00")
    due = date_from_proto(earlier.deadlines[0].due_date, "due")
    calendar = (await declare(counter, due)).calendar
    assert (calendar.version, calendar.declared_days[-1].source) == ("SOFIA-2", "Решение № 1 на МС")
    other = submission_of(
        document_codes=lacking,
        person={"identifier": "3812319920", "birth_date": date_to_proto(date(1938, 12, 31)), "sex": types_pb2.SEX_MALE},
    )
    later = await counter.submit(other, "2026-01-12 10:00")
    assert date_from_proto(later.deadlines[0].due_date, "due") > due
    again = await counter.look(earlier.application_id)
    assert date_from_proto(again.deadlines[0].due_date, "due") == due
    old = await counter.ask(pb.GetCalendarRequest(municipality_id="SOFIA", calendar_version="bg-1"))
    assert len(old.calendar.declared_days) == 2


async def test_a_declaration_can_be_taken_back_in_a_further_version(counter: Any) -> None:
    await counter.set_up()
    await declare(counter, date(2026, 1, 26))
    again = await declare(counter, date(2026, 1, 26))
    assert again.calendar.version == "SOFIA-2"
    back = await declare(counter, withdrawn_dates=[date_to_proto(date(2026, 1, 26))])
    assert (back.calendar.version, len(back.calendar.declared_days)) == ("SOFIA-3", 2)


async def test_the_other_stages_hear_of_calendar_and_changes_with_the_facts_of_a_case(
    counter: Any, submission_of: Submit
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of(), "2026-01-12 08:00")
    await declare(counter, date(2026, 1, 26))
    await closed_from(counter, "CANTEEN_LUNCH", date(2026, 2, 1))
    request = pb.GetCaseFactsRequest(application_id=case.application_id)
    facts = (await counter.ask(request, BEFORE, Role.SERVICE)).case_facts
    assert (facts.calendar.version, facts.municipality_version) == ("SOFIA-2", 3)
    assert [entry.service_code for entry in facts.catalogue_changes] == ["CANTEEN_LUNCH"]


async def test_the_shipped_catalogue_is_listed_page_by_page_with_what_an_institution_provides(counter: Any) -> None:
    first = await counter.ask(pb.ListCatalogueRequest(page_size=20))
    rest = await counter.ask(pb.ListCatalogueRequest(page_size=20, page_token=first.next_page_token))
    assert (len(first.entries), rest.next_page_token) == (20, "")
    codes = [entry.service_code for entry in (*first.entries, *rest.entries)]
    assert codes == sorted(set(codes))
    home = await counter.ask(pb.ListCatalogueRequest(service_code="OLD_PEOPLE_HOME"))
    assert [item.code for item in home.entries[0].information_items] == [
        "ROOMS",
        "FOOD",
        "MEDICAL",
        "ADMINISTRATIVE",
        "LEISURE",
        "EVENTS",
        "RIGHTS",
    ]

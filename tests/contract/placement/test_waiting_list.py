"""A list of a thousand: every position is explained, and the explanations alone give the order (S5, L-09)."""

from __future__ import annotations

from datetime import date

import pytest

from services.kernel.codes import Role
from socialcare.placement.v1 import placement_service_pb2 as pb
from tests.contract.placement.conftest import Office

pytestmark = pytest.mark.postgres

PEOPLE = 1_000
AT = "2026-03-10 12:00"
# Every fifth minute is shared by several people, so that the id decides too.
WAITING = """
INSERT INTO placements (application_id, municipality_id, person_id, service_code, district_code, basis_needed, state,
                        facility_code, directorate_code, flags, received_at, legal_basis, basis_date, holds_place,
                        vacancy_id, close_cause, opened_at, intake_version, version)
SELECT gen_random_uuid()::text, :municipality, gen_random_uuid()::text, 'OLD_PEOPLE_HOME', 'LYULIN', 'ORDER',
       'WAITLISTED',
       'DOM-1', 'SAD-LYULIN', (ARRAY['LIVING_ALONE', 'OVER_75', 'WAR_VETERAN'])[1 : (hashint4(n) & 3)],
       timestamptz '2026-01-05 08:00Z' + interval '5 minutes' * (abs(hashint4(n * 7)) % 200),
       'ORDER', '2026-02-02', false, '', '', '2026-02-02 08:00Z', 1, 1
FROM generate_series(1, :people) AS n
"""


async def test_the_order_of_a_list_follows_from_the_explanations_alone(office: Office) -> None:
    await office.facility("DOM-1", "OLD_PEOPLE_HOME", "SAD-LYULIN", 0)
    known = office.accept("OLD_PEOPLE_HOME", date(2026, 2, 2), facility="DOM-1")
    await office.open(known, "2026-02-02 10:00")
    async with office.database.write() as tx:
        await tx.run(WAITING, {"municipality": office.municipality, "people": PEOPLE})
    async with office.database.read() as tx:
        waiting = [
            row.application_id
            for row in await tx.all("SELECT application_id FROM placements WHERE state = 'WAITLISTED'", {})
        ]
    explained = []
    for case in waiting:
        answer = await office.ask(pb.ExplainPriorityRequest(application_id=case), AT, Role.OFFICE_HEAD)
        *flags, total, place = answer.trace
        assert sum(int(step.outcome) for step in flags) == int(total.outcome) == int(place.inputs["flags"])
        assert int(place.outcome) == answer.position
        assert place.text_en.endswith(f"= {answer.position}.")
        key = (-int(place.inputs["flags"]), place.inputs["received_time"], place.inputs["application_id"])
        explained.append((key, answer.position))
    assert [position for _, position in sorted(explained)] == list(range(1, PEOPLE + 1))
    assert len({key[0] for key, _ in explained}) == 4
    assert len({key[:2] for key, _ in explained}) < PEOPLE


async def test_who_is_on_no_list_is_told_so(office: Office) -> None:
    await office.facility("DOM-1", "OLD_PEOPLE_HOME", "SAD-LYULIN", 0)
    case = office.accept("OLD_PEOPLE_HOME", date(2026, 2, 2), facility="DOM-1")
    await office.open(case, "2026-02-02 10:00")
    answer = await office.ask(pb.ExplainPriorityRequest(application_id=case), AT, Role.OFFICE_HEAD)
    assert (answer.position, answer.trace[-1].text_en) == (0, "Not on a waiting list.")

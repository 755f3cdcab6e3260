"""Names and addresses for a sheet, with intake faked at the port of delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from services.delivery.domain.contacts import Contact
from services.delivery.usecases.contacts import MOST_AT_ONCE, look_up
from services.runtime.errors import DomainError, NotYours, PeerUnavailable


@dataclass
class FakeBook:
    """Knows everybody; fails at the call that a test names."""

    unknown: frozenset[str] = frozenset()
    fails_at: int = 0
    failure: DomainError = field(default_factory=PeerUnavailable)
    asked: list[list[str]] = field(default_factory=list)

    async def contacts(self, municipality_id: str, application_ids: Sequence[str]) -> Mapping[str, Contact]:
        self.asked.append(list(application_ids))
        if len(self.asked) == self.fails_at:
            raise self.failure
        return {each: person(each) for each in application_ids if each not in self.unknown}


def person(of: str) -> Contact:
    return Contact("Мария", "", f"Петрова-{of}", f"ул. Черковна {of}")


async def test_a_person_of_two_visits_is_asked_for_once() -> None:
    book = FakeBook()
    found = await look_up(book, "TOWN", ["b", "a", "b"])
    assert book.asked == [["b", "a"]]
    assert found.by_application == {"a": person("a"), "b": person("b")}


async def test_a_long_route_is_asked_for_in_parts_that_intake_answers() -> None:
    book = FakeBook()
    stops = [str(number) for number in range(2 * MOST_AT_ONCE + 1)]
    found = await look_up(book, "TOWN", stops)
    assert [len(part) for part in book.asked] == [MOST_AT_ONCE, MOST_AT_ONCE, 1]
    assert (list(found.by_application), found.failure) == (stops, "")


async def test_nobody_is_asked_for_an_empty_sheet() -> None:
    book = FakeBook()
    assert (await look_up(book, "TOWN", [])).by_application == {}
    assert book.asked == []


async def test_whom_intake_does_not_know_is_no_failure() -> None:
    found = await look_up(FakeBook(unknown=frozenset("a")), "TOWN", ["a", "b"])
    assert (set(found.by_application), found.failure) == ({"b"}, "")


@pytest.mark.parametrize("failure", [PeerUnavailable(), NotYours()])
async def test_what_was_found_before_a_failure_stays_and_nothing_more_is_asked(failure: DomainError) -> None:
    book = FakeBook(fails_at=2, failure=failure)
    found = await look_up(book, "TOWN", [str(number) for number in range(3 * MOST_AT_ONCE)])
    assert (len(found.by_application), found.failure, len(book.asked)) == (MOST_AT_ONCE, failure.reason, 2)


def test_a_name_without_a_fathers_name_has_no_gap() -> None:
    assert person("a").name == "Мария Петрова-a"
    assert Contact("Мария", "Иванова", "Петрова", "").name == "Мария Иванова Петрова"


def test_a_contact_that_is_printed_by_mistake_says_nothing() -> None:
    assert "Мария" not in repr(person("a"))

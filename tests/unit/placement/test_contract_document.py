"""What a contract says, by service, settings and language."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.kernel.catalogue import CATALOGUE
from services.kernel.dates import Weekday
from services.kernel.language import Language
from services.kernel.local_rules import LocalRules
from services.kernel.money import Currency, Money
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.service_entry import PlacementBasis
from services.placement.documents import clauses
from services.placement.documents.contract import Basis, Draft, User, rendered
from services.placement.documents.words import HEADINGS, UNITS, Heading, Said
from services.placement.domain.cases import Contract, Placement, PlacementState, PlanLine

NOW = datetime(2026, 1, 28, 10, tzinfo=UTC)
CONTRACT = Contract("c-1", date(2026, 1, 28), date(2026, 2, 9), (PlanLine("HSP_LAUNDRY", 1, (Weekday.TUE,)),))
USER = User("Мария #strong[Иванова]", date(1950, 1, 1), "ж.к. Люлин 5")
ORDER = Basis(Said("Заповед", "Order"), "РД-7", date(2026, 1, 20), "SAD-LYULIN")


def rules(**settings: str) -> LocalRules:
    return LocalRules(MunicipalSettings.of({key.replace("__", "."): value for key, value in settings.items()}))


def draft(service: str = "HSP", contract: Contract = CONTRACT, **settings: str) -> Draft:
    placement = Placement(
        "a", "SOFIA", "p", service, "LYULIN", PlacementBasis.NONE, PlacementState.READY, 1, NOW, NOW, 1, "DOM-1"
    )
    return Draft(placement, contract, USER, ORDER, rules(**settings))


def test_the_same_facts_give_the_same_bytes_and_other_facts_others() -> None:
    once, again = rendered(draft()), rendered(draft())
    assert once == again
    assert [one.language for one in once] == [Language.BG, Language.EN]
    assert rendered(draft(contract__language="en"))[0].language is Language.EN
    assert {one.sha256 for one in once}.isdisjoint(one.sha256 for one in rendered(draft(pause__max_months="2")))


@pytest.mark.parametrize("service", [entry.code for entry in CATALOGUE.entries if entry.is_applied_for])
def test_every_service_has_a_contract(service: str) -> None:
    assert [one.content[:4] for one in rendered(draft(service))] == [b"%PDF", b"%PDF"]


def test_every_word_is_said_in_both_languages() -> None:
    assert set(HEADINGS) == set(Heading)
    assert set(UNITS) >= {entry.unit for entry in CATALOGUE.entries}
    assert all(said.bg and said.en for said in (*HEADINGS.values(), *UNITS.values()))


@pytest.mark.parametrize(
    ("service", "settings", "said"),
    [
        ("HSP", {}, "The monthly fee is 60 % of income, never above the actual cost (F-03, F-05)."),
        ("HSP", {"fee__hsp__mode": "ACTUAL_COST"}, "The monthly fee is the actual monthly cost."),
        ("OLD_PEOPLE_HOME", {}, "The monthly fee is 70 % of income, never above the actual cost (F-03, F-05)."),
        ("ASSISTANT_SUPPORT", {}, "The service is free for the user."),
    ],
)
def test_the_fee_is_that_of_catalogue_and_settings(service: str, settings: dict[str, str], said: str) -> None:
    of = draft(service, **settings)
    assert said in [clause.en for clause in clauses.fee(of.service, of.contract, of.rules)]


def test_terms_of_the_contract_stand_in_its_clauses() -> None:
    priced = Contract(
        "c-1",
        date(2026, 1, 28),
        date(2026, 2, 9),
        (),
        actual_cost=Money.from_minor(21840, Currency("EUR")),
        unit_price=Money.from_minor(205, Currency("EUR")),
    )
    of = draft("CANTEEN_LUNCH", priced)
    said = [clause.en for clause in clauses.fee(of.service, priced, of.rules)]
    assert "Delivered units are charged at 2.05 EUR." in said
    assert "Actual monthly cost: 218.40 EUR." in said
    assert any("day 25" in clause for clause in said)


def test_only_home_patronage_has_a_right_to_pause() -> None:
    patronage, home = draft(pause__max_months="2"), draft("OLD_PEOPLE_HOME")
    assert clauses.pause(patronage.service, patronage.rules)[0].en.startswith("Up to 2 months in a calendar year")
    assert [clause.en for clause in clauses.pause(home.service, home.rules)] == [
        "This service has no pause without fee (P-03)."
    ]

from __future__ import annotations

from collections import Counter

from drill.tables import Difference, Rows, _normalised, _Row, differences

MUNICIPALITY = "HSP-01-917913CC"
PERSON = "0192f0c1-5a3e-7c11-8d2e-1f2a3b4c5d6e"
STRANGER = "0192f0c1-5a3e-7c11-8d2e-ffffffffffff"


def row(table: str, text: str, *ids: str) -> _Row:
    return _Row(table, frozenset(ids), text)


def test_ids_instants_and_sealed_bytes_do_not_tell_two_plays_apart() -> None:
    ids = f'"id": "{PERSON}", "of": "{MUNICIPALITY}"'
    text = f'{{{ids}, "at": "2026-01-19T22:30:00+00:00", "sealed": "\\\\x0a0b0c0d0e"}}'

    assert _normalised(text) == '{"id": "<id>", "of": "<id>", "at": "2026-01-20", "sealed": "<5 bytes>"}'


def test_a_play_owns_what_a_chain_of_ids_leads_to() -> None:
    rows = Rows(
        [
            row("intake.person", "person", MUNICIPALITY, PERSON),
            row("billing.invoices", "invoice", PERSON),
            row("billing.invoices", "invoice of another", STRANGER),
        ]
    )

    assert rows.of(MUNICIPALITY) == {"intake.person": Counter(["person"]), "billing.invoices": Counter(["invoice"])}


def test_a_row_that_is_there_twice_is_a_difference() -> None:
    once, twice = {"billing.invoices": Counter(["invoice"])}, {"billing.invoices": Counter(["invoice", "invoice"])}

    assert differences(once, once) == []
    assert differences(once, twice) == [Difference("billing.invoices", "invoice", undisturbed=1, disturbed=2)]

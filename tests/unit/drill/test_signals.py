from __future__ import annotations

import datetime as dt

from drill.evidence import Delivery
from drill.signals import Arrivals, out_of_order
from services.kernel.codes import Stage

NOW = dt.datetime(2026, 1, 19, 8, 15, tzinfo=dt.UTC)


def came(*sequences: int) -> Arrivals:
    found = Arrivals()
    found.sequences[Stage.INTAKE].extend(sequences)
    return found


def sent(*sequences: int) -> list[Delivery]:
    return [Delivery(Stage.INTAKE, "case/1", "SIGNAL", sequence, NOW, NOW) for sequence in sequences]


def test_repeated_messages_are_in_order_when_their_first_arrivals_are() -> None:
    found = came(2, 2, 3, 2, 4, 3)

    assert out_of_order("case/1", found, sent(2, 3, 4)) == []
    assert found.repeated == 3


def test_a_message_that_overtakes_another_is_found() -> None:
    assert out_of_order("case/1", came(2, 4, 3), sent(2, 3, 4)) != []


def test_a_message_that_never_came_is_found() -> None:
    assert out_of_order("case/1", came(2, 4), sent(2, 3, 4)) != []

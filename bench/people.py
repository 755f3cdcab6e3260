"""Made-up applicants with valid numbers, as many as a benchmark wants."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from stdnum.bg import egn

from cli.stories.parts import Identifier, Name, Person

__all__ = ["Applicants"]

_OLDEST = dt.date(1930, 1, 1)
_BIRTH_DAYS = 5_000
_FEMALE_SERIALS = 500


@dataclass(slots=True)
class Applicants:
    """Gives women of pension age, no number twice within 2.5 million."""

    _given: int = field(default=0)

    def next(self) -> Person:
        """Somebody who has not applied yet."""
        number, self._given = self._given, self._given + 1
        born = _OLDEST + dt.timedelta(days=number % _BIRTH_DAYS)
        serial = 2 * (number // _BIRTH_DAYS % _FEMALE_SERIALS) + 1
        stem = f"{born:%y%m%d}{serial:03d}"
        return Person(
            name=Name(given="Мария", father="Петрова", family="Замерена"),
            identifier=Identifier(type="EGN", value=stem + egn.calc_check_digit(stem)),
            birth_date=born,
            sex="F",
            district="NADEZHDA",
            address=f"ул. „Мярка“ {number + 1}",
        )

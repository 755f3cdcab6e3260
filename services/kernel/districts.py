"""Administrative districts of Sofia and where assistant support is open (domain.md section 11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from services.kernel.municipalities import ELSEWHERE, MUNICIPALITIES

__all__ = [
    "ASSISTANT_SUPPORT_DISTRICTS",
    "ASSISTANT_SUPPORT_OPEN_FROM",
    "SOFIA_DISTRICTS",
    "District",
    "ServedDistrict",
    "is_registered",
    "is_served",
]


@dataclass(frozen=True, slots=True)
class District:
    """A district by its code."""

    code: str
    name_bg: str
    name_en: str


@dataclass(frozen=True, slots=True)
class ServedDistrict:
    """A district in which a service is open, from the first to the last day, both included; no last day when None."""

    code: str
    valid_from: date
    valid_to: date | None = None

    def covers(self, on: date) -> bool:
        """Whether the district is served on the day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


_DISTRICTS = (
    District("BANKYA", "Банкя", "Bankya"),
    District("ILINDEN", "Илинден", "Ilinden"),
    District("ISKAR", "Искър", "Iskar"),
    District("IZGREV", "Изгрев", "Izgrev"),
    District("KRASNA_POLYANA", "Красна поляна", "Krasna Polyana"),
    District("KRASNO_SELO", "Красно село", "Krasno Selo"),
    District("KREMIKOVTSI", "Кремиковци", "Kremikovtsi"),
    District("LOZENETS", "Лозенец", "Lozenets"),
    District("LYULIN", "Люлин", "Lyulin"),
    District("MLADOST", "Младост", "Mladost"),
    District("NADEZHDA", "Надежда", "Nadezhda"),
    District("NOVI_ISKAR", "Нови Искър", "Novi Iskar"),
    District("OBORISHTE", "Оборище", "Oborishte"),
    District("OVCHA_KUPEL", "Овча купел", "Ovcha Kupel"),
    District("PANCHAREVO", "Панчарево", "Pancharevo"),
    District("PODUYANE", "Подуяне", "Poduyane"),
    District("SERDIKA", "Сердика", "Serdika"),
    District("SLATINA", "Слатина", "Slatina"),
    District("SREDETS", "Средец", "Sredets"),
    District("STUDENTSKI", "Студентски", "Studentski"),
    District("TRIADITSA", "Триадица", "Triaditsa"),
    District("VAZRAZHDANE", "Възраждане", "Vazrazhdane"),
    District("VITOSHA", "Витоша", "Vitosha"),
    District("VRABNITSA", "Връбница", "Vrabnitsa"),
)

SOFIA_DISTRICTS: Mapping[str, District] = MappingProxyType({item.code: item for item in _DISTRICTS})
"""All 24 districts by code; home social patronage serves each of them."""


def is_registered(code: str) -> bool:
    """Whether any register has the code: a district of Sofia, or a municipality elsewhere."""
    return code in SOFIA_DISTRICTS or code in MUNICIPALITIES or code == ELSEWHERE


ASSISTANT_SUPPORT_OPEN_FROM = date(2022, 3, 30)
"""First day of intake for assistant support (R-10, C-07)."""

ASSISTANT_SUPPORT_DISTRICTS = tuple(
    ServedDistrict(code, ASSISTANT_SUPPORT_OPEN_FROM)
    for code in ("LYULIN", "VRABNITSA", "IZGREV", "ILINDEN", "NOVI_ISKAR", "BANKYA")
)
"""Where assistant support is open (R-11, C-06)."""


def is_served(code: str, on: date, served: tuple[ServedDistrict, ...] = ASSISTANT_SUPPORT_DISTRICTS) -> bool:
    """Whether one of the rows covers the district on the day."""
    return any(item.code == code and item.covers(on) for item in served)

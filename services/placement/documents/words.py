"""The fixed words of a contract, each in Bulgarian and English; what they say is in domain.md."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from services.kernel.dates import Weekday
from services.kernel.language import Language

__all__ = ["DAYS", "HEADINGS", "UNITS", "Heading", "Said"]


class Said(NamedTuple):
    """One text in both languages."""

    bg: str
    en: str

    def in_(self, language: Language) -> str:
        """The text in the language."""
        return self.bg if language is Language.BG else self.en


class Heading(StrEnum):
    """Headings and labels."""

    TITLE = "TITLE"
    NUMBER = "NUMBER"
    SIGNED = "SIGNED"
    PROVIDER = "PROVIDER"
    USER = "USER"
    BORN = "BORN"
    ADDRESS = "ADDRESS"
    SERVICE = "SERVICE"
    START = "START"
    VERSION = "VERSION"
    AGREED = "AGREED"
    IN_FORCE = "IN_FORCE"
    DISTRICT = "DISTRICT"
    PLACE = "PLACE"
    AUTHORISATION = "AUTHORISATION"
    PLAN = "PLAN"
    WHAT = "WHAT"
    QUANTITY = "QUANTITY"
    DAYS = "DAYS"
    PROVIDED = "PROVIDED"
    FEE = "FEE"
    PAUSE = "PAUSE"
    ENDING = "ENDING"
    APPEALS = "APPEALS"
    FOR_PROVIDER = "FOR_PROVIDER"
    FOR_USER = "FOR_USER"
    PAGE = "PAGE"


HEADINGS: Mapping[Heading, Said] = {
    Heading.TITLE: Said("Договор за ползване на социална услуга", "Contract for the use of a social service"),
    Heading.NUMBER: Said("Договор", "Contract"),
    Heading.SIGNED: Said("Подписан на", "Signed on"),
    Heading.PROVIDER: Said("Доставчик: община", "Provider: municipality"),
    Heading.USER: Said("Потребител", "User"),
    Heading.BORN: Said("роден(а) на", "born on"),
    Heading.ADDRESS: Said("Адрес", "Address"),
    Heading.SERVICE: Said("Услуга", "Service"),
    Heading.START: Said("Начало на услугата", "First day of care"),
    Heading.VERSION: Said("Изменение: редакция", "Amendment: version"),
    Heading.AGREED: Said("Договорено на", "Agreed on"),
    Heading.IN_FORCE: Said("В сила от", "In force from"),
    Heading.DISTRICT: Said("Район", "District"),
    Heading.PLACE: Said("Място в заведение", "Place in facility"),
    Heading.AUTHORISATION: Said("Основание", "Ground"),
    Heading.PLAN: Said("План на услугата", "Plan of the service"),
    Heading.WHAT: Said("Какво", "What"),
    Heading.QUANTITY: Said("Количество на ден", "Quantity a day"),
    Heading.DAYS: Said("Дни", "Days"),
    Heading.PROVIDED: Said("Какво осигурява доставчикът", "What the provider provides"),
    Heading.FEE: Said("Такса", "Fee"),
    Heading.PAUSE: Said("Прекъсване", "Pause"),
    Heading.ENDING: Said("Изменение и прекратяване", "Amendment and end"),
    Heading.APPEALS: Said("Обжалване", "Appeals"),
    Heading.FOR_PROVIDER: Said("За доставчика", "For the provider"),
    Heading.FOR_USER: Said("Потребител", "The user"),
    Heading.PAGE: Said("стр.", "page"),
}

DAYS: Mapping[Weekday, Said] = {
    Weekday.MON: Said("пн", "Mon"),
    Weekday.TUE: Said("вт", "Tue"),
    Weekday.WED: Said("ср", "Wed"),
    Weekday.THU: Said("чт", "Thu"),
    Weekday.FRI: Said("пт", "Fri"),
    Weekday.SAT: Said("сб", "Sat"),
    Weekday.SUN: Said("нд", "Sun"),
}

UNITS: Mapping[str, Said] = {
    "VISIT": Said("посещения", "visits"),
    "MEAL": Said("хранения", "meals"),
    "HOUR": Said("часа", "hours"),
    "BED_DAY": Said("леглодни", "bed-days"),
    "DAY": Said("дни", "days"),
    "ONE_OFF": Said("пъти", "times"),
    "MONTH": Said("месец", "month"),
}

"""What a municipality has decided, on the wire and at rest: calendar versions, changes of the catalogue.

Intake sends them with `CaseFacts` and `Municipality`; every stage keeps them as text, the JSON of the contract's
messages, so that a field added to the contract needs no migration. A calendar version never changes, so the table
`calendars` only grows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

from google.protobuf import json_format

from services.kernel.calendar import DEFAULT_CALENDAR, BusinessCalendar, DayKind, DayOverride
from services.kernel.local_rules import LocalRules
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.service_entry import (
    Charge,
    Condition,
    Family,
    InformationItem,
    Intake,
    PercentRange,
    PlacementBasis,
    ServiceEntry,
    Unit,
)
from services.runtime.civil import code_from_proto, code_to_proto, date_from_proto, date_to_proto, optional_date
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import InvalidArgument, NotFound
from socialcare.common.v1 import catalogue_pb2

__all__ = [
    "calendar_from_text",
    "calendar_of",
    "calendar_to_proto",
    "catalogue_entry_from_proto",
    "catalogue_entry_to_proto",
    "changes_from_text",
    "changes_to_text",
    "declared_days_from_proto",
    "entries_from_proto",
    "entry_to_text",
    "keep_calendar",
    "rules_from_proto",
    "rules_from_text",
    "with_declared_days",
]


class RulesMessage(Protocol):
    """What `CaseFacts` and `Municipality` say alike."""

    @property
    def settings(self) -> Mapping[str, str]: ...
    @property
    def calendar(self) -> catalogue_pb2.BusinessCalendar: ...
    @property
    def catalogue_changes(self) -> Iterable[catalogue_pb2.CatalogueEntry]: ...


def rules_from_proto(message: RulesMessage, version: int) -> LocalRules:
    """The decisions of a municipality at its version; without a calendar the shipped one."""
    return LocalRules(
        settings=MunicipalSettings.of(message.settings),
        calendar=_calendar_from_proto(message.calendar) if message.calendar.version else DEFAULT_CALENDAR,
        changes=entries_from_proto(message.catalogue_changes),
        version=max(version, 1),
    )


def rules_from_text(settings: str, calendar: BusinessCalendar, changes: str, version: int) -> LocalRules:
    """The decisions of a municipality as they were stored."""
    return LocalRules(MunicipalSettings.of(json.loads(settings)), calendar, changes_from_text(changes), version)


def calendar_to_proto(calendar: BusinessCalendar) -> catalogue_pb2.BusinessCalendar:
    """A version of a calendar."""
    return catalogue_pb2.BusinessCalendar(
        version=calendar.version,
        declared_days=[
            catalogue_pb2.DeclaredDay(
                on_date=date_to_proto(day), kind=code_to_proto(catalogue_pb2.DayKind, item.kind), source=item.source
            )
            for day, item in sorted(calendar.overrides.items())
        ],
    )


def _calendar_from_proto(message: catalogue_pb2.BusinessCalendar) -> BusinessCalendar:
    return BusinessCalendar(
        message.version, MappingProxyType(declared_days_from_proto(message.declared_days, "calendar.declared_days"))
    )


def declared_days_from_proto(messages: Iterable[catalogue_pb2.DeclaredDay], field: str) -> dict[date, DayOverride]:
    """Declared days by date; InvalidArgument for no day, or for one that is declared twice."""
    declared: dict[date, DayOverride] = {}
    for message in messages:
        day = date_from_proto(message.on_date, f"{field}.on_date")
        if day in declared:
            raise InvalidArgument(field=f"{field}.on_date")
        kind = code_from_proto(catalogue_pb2.DayKind, message.kind, DayKind, f"{field}.kind")
        declared[day] = DayOverride(kind, message.source)
    return declared


def with_declared_days(messages: Iterable[catalogue_pb2.DeclaredDay]) -> BusinessCalendar:
    """The shipped calendar, with days that a question declares beyond it."""
    declared = declared_days_from_proto(messages, "declared_days")
    if not declared:
        return DEFAULT_CALENDAR
    return DEFAULT_CALENDAR.with_overrides(f"{DEFAULT_CALENDAR.version}+asked", declared)


def calendar_to_text(calendar: BusinessCalendar) -> str:
    """The declared days of a calendar as JSON."""
    days = sorted(calendar.overrides.items())
    document = {day.isoformat(): {"kind": item.kind.value, "source": item.source} for day, item in days}
    return json.dumps(document, ensure_ascii=False)


@lru_cache(maxsize=4096)
def calendar_from_text(version: str, overrides: str) -> BusinessCalendar:
    """A version of a calendar from a row of `calendars`, its declared days as text."""
    return BusinessCalendar(
        version,
        MappingProxyType(
            {
                date.fromisoformat(day): DayOverride(DayKind(item["kind"]), item["source"])
                for day, item in json.loads(overrides).items()
            }
        ),
    )


async def keep_calendar(tx: WriteTx, calendar: BusinessCalendar) -> None:
    """Keep a version; one that is kept already stays as it is."""
    await tx.run(
        "INSERT INTO calendars (version, overrides) VALUES (:version, CAST(CAST(:overrides AS text) AS jsonb)) "
        "ON CONFLICT (version) DO NOTHING",
        {"version": calendar.version, "overrides": calendar_to_text(calendar)},
    )


async def calendar_of(tx: ReadTx, version: str) -> BusinessCalendar:
    """A version that is kept; NotFound when there is none."""
    overrides = await tx.scalar("SELECT overrides::text FROM calendars WHERE version = :version", {"version": version})
    if overrides is None:
        raise NotFound(resource_type="calendar", resource_id=version)
    return calendar_from_text(version, str(overrides))


def catalogue_entry_to_proto(entry: ServiceEntry) -> catalogue_pb2.CatalogueEntry:
    """One entry of the catalogue."""
    return catalogue_pb2.CatalogueEntry(
        service_code=entry.code,
        valid_from_date=None if entry.valid_from == date.min else date_to_proto(entry.valid_from),
        valid_to_date=None if entry.valid_to is None else date_to_proto(entry.valid_to),
        family=code_to_proto(catalogue_pb2.ServiceFamily, entry.family),
        unit=code_to_proto(catalogue_pb2.ServiceUnit, entry.unit),
        charge=code_to_proto(catalogue_pb2.ServiceCharge, entry.charge),
        name_bg=entry.name_bg,
        name_en=entry.name_en,
        source=entry.source,
        placement_basis=code_to_proto(catalogue_pb2.PlacementBasis, entry.placement_basis),
        conditions=[code_to_proto(catalogue_pb2.ServiceCondition, item) for item in sorted(entry.conditions)],
        percent=None if entry.percent is None else _percent_to_proto(entry.percent),
        intake=code_to_proto(catalogue_pb2.ServiceIntake, entry.intake),
        open_from_date=None if entry.open_from is None else date_to_proto(entry.open_from),
        district_codes=sorted(entry.districts or ()),
        programme_id=entry.programme_id,
        information_items=[
            catalogue_pb2.InformationItem(code=item.code, text_bg=item.text_bg, text_en=item.text_en)
            for item in entry.information_items
        ],
    )


def catalogue_entry_from_proto(message: catalogue_pb2.CatalogueEntry, field: str = "entry") -> ServiceEntry:
    """One entry of the catalogue; InvalidArgument when it contradicts itself."""
    entry = ServiceEntry(
        code=message.service_code,
        family=code_from_proto(catalogue_pb2.ServiceFamily, message.family, Family, f"{field}.family"),
        unit=code_from_proto(catalogue_pb2.ServiceUnit, message.unit, Unit, f"{field}.unit"),
        charge=code_from_proto(catalogue_pb2.ServiceCharge, message.charge, Charge, f"{field}.charge"),
        name_bg=message.name_bg,
        name_en=message.name_en,
        source=message.source,
        placement_basis=code_from_proto(
            catalogue_pb2.PlacementBasis, message.placement_basis, PlacementBasis, f"{field}.placement_basis"
        ),
        conditions=frozenset(
            code_from_proto(catalogue_pb2.ServiceCondition, item, Condition, f"{field}.conditions")
            for item in message.conditions
        ),
        percent=_percent_from_proto(message.percent, f"{field}.percent") if message.HasField("percent") else None,
        intake=code_from_proto(catalogue_pb2.ServiceIntake, message.intake, Intake, f"{field}.intake"),
        open_from=optional_date(message.open_from_date, f"{field}.open_from_date"),
        districts=frozenset(message.district_codes) or None,
        information_items=tuple(
            InformationItem(item.code, item.text_bg, item.text_en) for item in message.information_items
        ),
        programme_id=message.programme_id,
        valid_from=optional_date(message.valid_from_date, f"{field}.valid_from_date") or date.min,
        valid_to=optional_date(message.valid_to_date, f"{field}.valid_to_date"),
    )
    if entry.valid_to is not None and entry.valid_to < entry.valid_from:
        raise InvalidArgument(field=f"{field}.valid_to_date")
    if (entry.charge is Charge.PCT) != (entry.percent is not None):
        raise InvalidArgument(field=f"{field}.percent")
    return entry


def entries_from_proto(messages: Iterable[catalogue_pb2.CatalogueEntry]) -> tuple[ServiceEntry, ...]:
    """Entries that change a catalogue; InvalidArgument when one contradicts itself or two hold on one day."""
    entries = tuple(catalogue_entry_from_proto(message, "catalogue_changes") for message in messages)
    for number, entry in enumerate(entries):
        if any(other.code == entry.code and other.without(entry) != (other,) for other in entries[:number]):
            raise InvalidArgument(field="catalogue_changes")
    return entries


def entry_to_text(entry: ServiceEntry) -> str:
    """One entry as JSON."""
    return json_format.MessageToJson(catalogue_entry_to_proto(entry), indent=None, preserving_proto_field_name=True)


def changes_to_text(changes: Iterable[ServiceEntry]) -> str:
    """Entries that change a catalogue as a JSON list."""
    return f"[{','.join(entry_to_text(entry) for entry in changes)}]"


@lru_cache(maxsize=1024)
def changes_from_text(text: str) -> tuple[ServiceEntry, ...]:
    """Entries from a JSON list."""
    return tuple(
        catalogue_entry_from_proto(
            json_format.ParseDict(item, catalogue_pb2.CatalogueEntry(), ignore_unknown_fields=True)
        )
        for item in json.loads(text)
    )


def _percent_to_proto(percent: PercentRange) -> catalogue_pb2.PercentRange:
    return catalogue_pb2.PercentRange(
        default_percent=format(percent.default, "f"),
        least_percent=format(percent.least, "f"),
        most_percent=format(percent.most, "f"),
    )


def _percent_from_proto(message: catalogue_pb2.PercentRange, field: str) -> PercentRange:
    percent = PercentRange(
        Decimal(message.default_percent), Decimal(message.least_percent), Decimal(message.most_percent)
    )
    if not 0 <= percent.least <= percent.default <= percent.most <= 100:
        raise InvalidArgument(field=field)
    return percent

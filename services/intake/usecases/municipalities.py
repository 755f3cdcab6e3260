"""A municipality is set up and changes its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from services.intake.domain.application import Municipality, Office
from services.intake.usecases.ports import MunicipalityStore
from services.kernel.local_rules import LocalRules
from services.runtime.chosen_settings import settings_changed, settings_from
from services.runtime.commands import Effect, check_etag

__all__ = ["MAIN_OFFICE", "SetUpMunicipality", "UpdateMunicipality", "set_up_municipality", "update_municipality"]

MAIN_OFFICE = Office("MAIN", "head")
"""The one office of a municipality that names none."""


@dataclass(frozen=True, slots=True)
class SetUpMunicipality:
    """A new tenant; settings that differ from the defaults, by key."""

    municipality_id: str
    settings: Mapping[str, str]
    offices: tuple[Office, ...]


@dataclass(frozen=True, slots=True)
class UpdateMunicipality:
    """Settings to set, and the etag that was read, empty: not checked."""

    municipality_id: str
    settings: Mapping[str, str]
    etag: str


async def set_up_municipality(command: SetUpMunicipality, store: MunicipalityStore, now: datetime) -> Effect:
    """Store it; SettingNotAllowed for a refused setting, AlreadyExists when the code is taken."""
    municipality = Municipality(
        id=command.municipality_id,
        rules=LocalRules(settings_from(command.settings)),
        offices=command.offices or (MAIN_OFFICE,),
    )
    await store.insert_municipality(municipality, now)
    return Effect(municipality.id, municipality.version)


async def update_municipality(command: UpdateMunicipality, store: MunicipalityStore) -> Effect:
    """Set the settings named, leave the others; SettingNotAllowed, EtagMismatch, NotFound."""
    municipality = await store.lock_municipality(command.municipality_id)
    check_etag(command.etag, municipality.version)
    rules = municipality.rules
    settings = settings_changed(rules.settings, command.settings)
    changed = replace(municipality, rules=replace(rules, settings=settings, version=rules.version + 1))
    await store.save_municipality(changed)
    return Effect(changed.id, changed.version)

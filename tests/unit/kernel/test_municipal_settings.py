from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from services.kernel.calendar import DEFAULT_CALENDAR
from services.kernel.municipal_settings import SETTING_DEFAULTS, SETTINGS, MunicipalSettings, SettingNotAllowedError

DOMAIN = Path(__file__).parents[3] / "docs" / "domain.md"


def test_every_key_of_section_12_is_known() -> None:
    section = DOMAIN.read_text(encoding="utf-8").split("## 12. ")[1]
    named = {key.split("=")[0] for key in re.findall(r"`([a-z]+\.[a-z_.*]+(?:=[A-Z_|\\]+)?)`", section)}
    known = set(SETTING_DEFAULTS)
    missing = {key for key in named if key not in known and not key.endswith(".*")}
    assert missing == set()
    assert all(any(one.startswith(key[:-1]) for one in known) for key in named if key in {"fee.pct.*", "retention.*"})


def test_every_default_is_allowed() -> None:
    assert MunicipalSettings.of(SETTING_DEFAULTS).own == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("no.such_key", "1"),
        ("fee.hsp.mode", "FREE"),
        ("pause.year_mode", "ROLLING"),
        ("billing.due_day", "31"),
        ("billing.due_day", "025"),
        ("fee.pct.OLD_PEOPLE_HOME", "60"),
        ("ap.districts", "LYULIN,LYULIN"),
        ("ap.districts", "PERNIK"),
        ("ap.open_from", "2022-02-30"),
        ("kitchen.cut_off", "25:00"),
        ("billing.auto_approve", "yes"),
        ("dmi.gmi.2024-13-01", "40"),
    ],
)
def test_a_value_without_a_meaning_is_refused_by_its_key(key: str, value: str) -> None:
    with pytest.raises(SettingNotAllowedError) as refusal:
        MunicipalSettings.of({key: value})
    assert refusal.value.key == key


def test_values_come_typed_and_the_default_holds_where_nothing_is_set() -> None:
    settings = MunicipalSettings.of({"fee.pct.OLD_PEOPLE_HOME": "72.5"})
    assert settings.amount("fee.pct.OLD_PEOPLE_HOME") == Decimal("72.5")
    assert settings.day("ap.open_from") == date(2022, 3, 30)
    assert settings.wholes("welfare.rung_minutes") == (15, 30, 60)
    assert settings.flag("deadline.shift_non_working")


def test_a_flag_that_was_never_set_is_refused_and_left_out_of_what_was_kept_with_it() -> None:
    kept = MunicipalSettings.of({"waiting.flags": "OVER_75,LOW_INCOME"})
    assert kept.codes("waiting.flags") == {"OVER_75"}
    assert MunicipalSettings.of({"waiting.flags": "OVER_75,LIVING_ALONE,LOW_INCOME,WAR_VETERAN"}).own == {}
    with pytest.raises(SettingNotAllowedError):
        kept.changed({"waiting.flags": "LOW_INCOME"})


def test_a_change_keeps_the_other_settings() -> None:
    settings = MunicipalSettings.of({"billing.due_day": "22"}).changed({"fee.hsp.mode": "ACTUAL_COST"})
    assert settings.own == {"billing.due_day": "22", "fee.hsp.mode": "ACTUAL_COST"}
    assert settings.changed({"billing.due_day": "25"}).own == {"fee.hsp.mode": "ACTUAL_COST"}


ONE_VALUE = [key for key, setting in SETTINGS.items() if setting.allowed.words.endswith(" only")]


@pytest.mark.parametrize("key", ONE_VALUE)
def test_a_key_with_one_value_refuses_every_other_one_and_says_why(key: str) -> None:
    for other in ("", "0", "1", "7", "true", "false", "ORDER", "10:30", "ROLLING"):
        if other != SETTING_DEFAULTS[key]:
            with pytest.raises(SettingNotAllowedError):
                MunicipalSettings.of({key: other})
    assert SETTINGS[key].reason


def test_a_key_with_more_values_needs_no_reason() -> None:
    assert [key for key, setting in SETTINGS.items() if setting.reason and key not in ONE_VALUE] == []


def test_every_question_of_section_12_has_its_key() -> None:
    section = DOMAIN.read_text(encoding="utf-8").split("## 12. ")[1]
    asked = set(re.findall(r"^\| (C-[0-9]{2}) \|", section, re.MULTILINE))
    assert asked - {setting.question for setting in SETTINGS.values()} == {"C-21", "C-24"}


def test_the_minimum_income_has_dated_keys_and_the_extra_day_of_2027_stands_in_the_calendar() -> None:
    rows = {"dmi.gmi.2026-01-01": "38.35", "dmi.coefficient.LONE_OVER_75.2026-01-01": "1.65"}
    assert set(MunicipalSettings.of(rows).minimum_income_rows()) == set(rows)
    assert not DEFAULT_CALENDAR.is_working_day(date(2027, 5, 4))

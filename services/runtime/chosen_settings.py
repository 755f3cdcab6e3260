"""Settings of a municipality as they come over the wire (domain.md section 12)."""

from __future__ import annotations

from collections.abc import Mapping

from services.kernel.municipal_settings import MunicipalSettings, SettingNotAllowedError
from services.runtime.errors import InvalidArgument

__all__ = ["SettingNotAllowed", "settings_changed", "settings_from"]


class SettingNotAllowed(InvalidArgument):
    """There is no such key, or the key does not allow the value (section 12)."""

    reason = "SETTING_NOT_ALLOWED"
    text_bg = "Недопустима стойност на настройка {key}."
    text_en = "The setting {key} does not allow this value."


def settings_from(values: Mapping[str, str]) -> MunicipalSettings:
    """These values over the defaults; SettingNotAllowed when one is refused."""
    return settings_changed(MunicipalSettings.of({}), values)


def settings_changed(settings: MunicipalSettings, values: Mapping[str, str]) -> MunicipalSettings:
    """The settings with these values set; SettingNotAllowed when one is refused."""
    try:
        return settings.changed(values)
    except SettingNotAllowedError as error:
        raise SettingNotAllowed(field=f"settings.{error.key}", metadata={"key": error.key}) from error

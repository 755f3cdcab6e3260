"""What a process says when its settings keep it from starting: which variable, and what to put there."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

__all__ = ["StartRefused", "WrongSettings", "complaint", "read_settings"]

Chosen = TypeVar("Chosen", bound=BaseSettings)


class StartRefused(ValueError):
    """Something that whoever starts the process puts right; the message says what, and never quotes a secret."""


class WrongSettings(StartRefused):
    """Settings are missing or wrong; the message is their `complaint`."""


def read_settings(settings: type[Chosen]) -> Chosen:
    """The settings of the environment; WrongSettings when they cannot be used."""
    try:
        return settings()
    except ValidationError as error:
        raise WrongSettings(complaint(error, settings)) from None


def complaint(error: ValidationError, settings: type[BaseSettings]) -> str:
    """One line for each thing that is wrong; never a value, which may be a secret."""
    prefix = settings.model_config.get("env_prefix", "")
    lines = []
    for found in error.errors(include_url=False, include_input=False):
        said = found["msg"].removeprefix("Value error, ")
        if not found["loc"]:
            lines.append(said)
            continue
        name = str(found["loc"][0])
        field = settings.model_fields.get(name)
        meaning = " ".join((field.description or "").split()) if field is not None else ""
        wrong = " is not set" if found["type"] == "missing" else f": {said}"
        lines.append(f"{prefix}{name.upper()}{wrong}; it is {meaning}")
    return "\n  ".join(("", *lines)) if len(lines) > 1 else "".join(lines)

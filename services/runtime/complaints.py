"""What a process says when its settings keep it from starting: which variable, and what to put there."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_settings import BaseSettings

__all__ = ["complaint"]


def complaint(error: ValidationError, settings: type[BaseSettings]) -> str:
    """One line for each thing that is wrong; never a value, which may be a secret."""
    prefix = settings.model_config.get("env_prefix", "")
    lines = []
    for found in error.errors(include_url=False, include_input=False):
        if not found["loc"]:
            lines.append(found["msg"].removeprefix("Value error, "))
            continue
        name = str(found["loc"][0])
        field = settings.model_fields.get(name)
        meaning = " ".join((field.description or "").split()) if field is not None else ""
        wrong = " is not set" if found["type"] == "missing" else f": {found['msg']}"
        lines.append(f"{prefix}{name.upper()}{wrong}; it is {meaning}")
    return "\n  ".join(("", *lines)) if len(lines) > 1 else "".join(lines)

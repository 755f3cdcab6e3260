"""An expected answer beside a service's, field by field (`RULE_CASES.md` section 2, "Comparing")."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal

from cli.rules.answers import Answer, Difference, YearUsage

__all__ = ["differences", "shown"]


def differences(expected: Answer, got: Answer) -> tuple[Difference, ...]:
    """Every field that the expectation names or implies and that the answer does not meet, in order of names."""
    named = {name: getattr(expected, name) for name in expected.model_fields_set - expected.uncompared()}
    demanded = {**expected.implied(), **named}
    found = [
        Difference(name, shown(wanted), shown(getattr(got, name)))
        for name, wanted in sorted(demanded.items())
        if getattr(got, name) != wanted
    ]
    found.extend(difference for difference in got.contradictions() if difference.field in named)
    return tuple(found)


def shown(value: object) -> str:
    """A value as it would stand in a file of rule cases."""
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: object) -> object:
    match value:
        case YearUsage():
            return {"months": value.months, "days": value.days}
        case Mapping():
            return {str(name): _plain(part) for name, part in value.items()}
        case list():
            return [_plain(part) for part in value]
        case Decimal() | dt.date():
            return _written(value)
        case _:
            return value


def _written(value: Decimal | dt.date) -> str:
    if isinstance(value, Decimal):
        return format(_with_cents(value), "f")
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat()


def _with_cents(amount: Decimal) -> Decimal:
    """The amount with two decimals, or with all of its own when there are more."""
    cents = amount.quantize(Decimal("0.01"))
    return cents if cents == amount else amount.normalize()

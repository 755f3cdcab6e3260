"""Keyset pagination: a page token is the key of the last row, opaque to the client."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from datetime import date, datetime

from services.runtime.errors import InvalidArgument

__all__ = ["day_key", "decode_token", "encode_token", "id_key", "instant_key", "number_key", "page_size"]

_LONGEST_TOKEN = 1024
_INTEGER_DIGITS = 9


def page_size(requested: int, *, default: int = 50, maximum: int = 500) -> int:
    """Rows of a page: the default for 0, never more than the maximum."""
    return min(requested, maximum) if requested > 0 else default


def encode_token(*keys: str) -> str:
    """Token of the page behind the row with these sort keys."""
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def decode_token(token: str, keys: int, field: str = "page_token") -> tuple[str, ...] | None:
    """Sort keys of the last row seen, or None for the first page.

    Raises:
        InvalidArgument: the token was not made by `encode_token` with that many keys.
    """
    if not token:
        return None
    if len(token) > _LONGEST_TOKEN:
        raise InvalidArgument(field=field)
    try:
        decoded = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise InvalidArgument(field=field) from None
    if not isinstance(decoded, list) or len(decoded) != keys or not all(map(_is_key, decoded)):
        raise InvalidArgument(field=field)
    return tuple(decoded)


def instant_key(key: str, field: str = "page_token") -> datetime:
    """A sort key that is an instant in ISO format.

    Raises:
        InvalidArgument: it is none, or has no offset.
    """
    try:
        instant = datetime.fromisoformat(key)
    except ValueError:
        raise InvalidArgument(field=field) from None
    if instant.tzinfo is None:
        raise InvalidArgument(field=field)
    return instant


def day_key(key: str, field: str = "page_token") -> date:
    """A sort key that is a day in ISO format.

    Raises:
        InvalidArgument: it is none.
    """
    try:
        return date.fromisoformat(key)
    except ValueError:
        raise InvalidArgument(field=field) from None


def number_key(key: str, field: str = "page_token") -> int:
    """A sort key that is a number of at most nine digits, as a column of type integer holds it.

    Raises:
        InvalidArgument: it is none.
    """
    if not key.isdecimal() or not key.isascii() or len(key) > _INTEGER_DIGITS:
        raise InvalidArgument(field=field)
    return int(key)


def id_key(key: str, field: str = "page_token") -> str:
    """A sort key that is a UUID.

    Raises:
        InvalidArgument: it is none.
    """
    try:
        return str(uuid.UUID(key))
    except ValueError:
        raise InvalidArgument(field=field) from None


def _is_key(value: object) -> bool:
    # PostgreSQL stores no NUL, so that no key of a row has one.
    return isinstance(value, str) and "\0" not in value

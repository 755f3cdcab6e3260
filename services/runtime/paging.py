"""Keyset pagination: a page token is the key of the last row, opaque to the client."""

from __future__ import annotations

import base64
import binascii
import json

from services.runtime.errors import InvalidArgument

__all__ = ["decode_token", "encode_token", "page_size"]


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
    try:
        decoded = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        raise InvalidArgument(field=field) from None
    if not isinstance(decoded, list) or len(decoded) != keys or not all(isinstance(key, str) for key in decoded):
        raise InvalidArgument(field=field)
    return tuple(decoded)

"""Rules that no explanation names yet, each with its reason; a test holds the list to what is played."""

from __future__ import annotations

UNTRACED: dict[str, str] = {}

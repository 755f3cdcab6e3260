"""Languages in which documents for people are written."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Language"]


class Language(StrEnum):
    """Language of a document."""

    BG = "bg"
    EN = "en"

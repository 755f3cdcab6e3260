"""The table whose content is sealed, so that nothing but a sealed value can be written to it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Table, Text

from services.runtime.crypto import SealedBytes

__all__ = ["found_facts"]

_metadata = MetaData()

found_facts = Table(
    "found_facts",
    _metadata,
    Column("application_id", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("found_at", DateTime(timezone=True), nullable=False),
    Column("facts", SealedBytes, nullable=False),
)
"""Versions of the facts that the assessment of a case found; the newest counts."""

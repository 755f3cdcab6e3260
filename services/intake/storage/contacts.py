"""SQL about names and addresses of the people of applications."""

from __future__ import annotations

from collections.abc import Sequence

from services.intake.domain.contacts import Contact
from services.runtime.database import ReadTx

__all__ = ["contacts_of"]

_CONTACTS = """
SELECT a.id, p.given_name, p.father_name, p.family_name, p.address
FROM application a JOIN person p ON p.id = a.person_id
WHERE a.municipality_id = :municipality AND a.id = ANY(CAST(:ids AS text[]))
ORDER BY array_position(CAST(:ids AS text[]), a.id)
"""


async def contacts_of(tx: ReadTx, municipality_id: str, application_ids: Sequence[str]) -> list[Contact]:
    """Those of the applications that the municipality has, in the order asked for."""
    rows = await tx.all(_CONTACTS, {"municipality": municipality_id, "ids": list(application_ids)})
    return [Contact(row.id, row.given_name, row.father_name, row.family_name, row.address) for row in rows]

"""Names and addresses for a sheet, as far as they can be had: a sheet without them is better than none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Protocol

from services.delivery.domain.contacts import Contact, Contacts
from services.runtime.errors import DomainError

__all__ = ["MOST_AT_ONCE", "AddressBook", "look_up"]

MOST_AT_ONCE = 100
"""Applications that intake answers for in one call."""


class AddressBook(Protocol):
    """Who knows names and addresses: intake."""

    async def contacts(self, municipality_id: str, application_ids: Sequence[str]) -> Mapping[str, Contact]:
        """Contacts by application id, at most `MOST_AT_ONCE`; without those that it does not know.

        Raises:
            DomainError: it is away, or refuses.
        """
        ...


async def look_up(book: AddressBook, municipality_id: str, application_ids: Iterable[str]) -> Contacts:
    """The contacts of applications; the first failure ends the search, what was found by then stays."""
    found: dict[str, Contact] = {}
    left = iter(dict.fromkeys(application_ids))
    while some := list(islice(left, MOST_AT_ONCE)):
        try:
            found |= await book.contacts(municipality_id, some)
        except DomainError as failure:
            return Contacts(found, failure.reason)
    return Contacts(found)

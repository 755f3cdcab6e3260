"""The room of sheets: who is visited and where is asked of intake when a sheet is read, and audited."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from services.delivery.api.room import Room, is_assistant_only
from services.delivery.domain.contacts import Contacts
from services.delivery.rules.attendance import is_locked
from services.delivery.storage.local_rules import rules_of
from services.delivery.usecases.contacts import AddressBook, look_up
from services.runtime.commands import Call

__all__ = ["SheetRoom"]


class SheetRoom(Room):
    """Handlers that tell somebody where to go."""

    _address_book: AddressBook

    async def _contacts(self, call: Call, on: date, application_ids: Iterable[str]) -> Contacts:
        """Contacts of the people of a sheet that the caller may read.

        Whoever is an assistant and nothing more has nothing to do with them once the day may only be corrected.
        """
        wanted = list(application_ids)
        if not wanted or (is_assistant_only(call.caller) and await self._is_over(call, on)):
            return Contacts({})
        found = await look_up(self._address_book, call.municipality_id, wanted)
        if found.failure:
            self._metrics.sheets_without_contacts.inc()
            self._runtime.log.warning("sheet without contacts", reason=found.failure)
        await self._runtime.commands.record_reads(call, found.by_application, purpose="CONTACT")
        return found

    async def _is_over(self, call: Call, on: date) -> bool:
        async with self._runtime.db.glance() as tx:
            return is_locked(on, call.today, (await rules_of(tx, call.municipality_id)).settings)

"""The method of intake about names and addresses, for sheets and for staff."""

from __future__ import annotations

from google.protobuf.message import Message
from grpc.aio import ServicerContext

from services.intake.domain.contacts import Contact
from services.intake.storage.contacts import contacts_of
from services.runtime.server import Runtime
from socialcare.intake.v1 import contacts_pb2 as pb

__all__ = ["ContactMethods"]

Context = ServicerContext[Message, Message]


class ContactMethods:
    """Part of `IntakeServicer`; named by the contract."""

    _runtime: Runtime

    async def ListContacts(self, request: pb.ListContactsRequest, context: Context) -> pb.ListContactsResponse:
        call = self._runtime.call(municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id)
        async with self._runtime.db.read() as tx:
            found = await contacts_of(tx, request.municipality_id, request.application_ids)
        await self._runtime.commands.record_reads(call, [each.application_id for each in found], purpose="CONTACT")
        return pb.ListContactsResponse(contacts=map(_to_proto, found))


def _to_proto(contact: Contact) -> pb.Contact:
    return pb.Contact(
        application_id=contact.application_id,
        given_name=contact.given_name,
        father_name=contact.father_name,
        family_name=contact.family_name,
        address=contact.address,
    )

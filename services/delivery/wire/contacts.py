"""Names and addresses on the wire."""

from __future__ import annotations

from services.delivery.domain.contacts import Contact, Contacts
from socialcare.common.v1 import types_pb2
from socialcare.delivery.v1 import contacts_pb2 as pb

__all__ = ["contact_to_proto", "missing_stages"]


def contact_to_proto(contact: Contact | None) -> pb.Contact | None:
    """A contact; None stays None, which leaves a field absent."""
    if contact is None:
        return None
    return pb.Contact(
        given_name=contact.given_name,
        father_name=contact.father_name,
        family_name=contact.family_name,
        address=contact.address,
    )


def missing_stages(contacts: Contacts) -> list[types_pb2.Stage]:
    """Intake, when it did not answer for everybody."""
    return [types_pb2.STAGE_INTAKE] if contacts.failure else []

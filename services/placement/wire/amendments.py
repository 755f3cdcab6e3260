"""Versions of a contract on the wire."""

from __future__ import annotations

from services.placement.domain.amendments import Amendment
from services.placement.wire.cases import plan_to_proto
from services.runtime.civil import code_to_proto, date_to_proto
from socialcare.placement.v1 import amendments_pb2

__all__ = ["amendment_to_proto"]


def amendment_to_proto(version: Amendment) -> amendments_pb2.ContractAmendment:
    """A version behind the signed one."""
    return amendments_pb2.ContractAmendment(
        number=version.number,
        cause=code_to_proto(amendments_pb2.AmendmentCause, version.cause),
        agreed_date=date_to_proto(version.agreed_date),
        first_date=date_to_proto(version.first_date),
        plan=plan_to_proto(version.plan),
        facility_code=version.facility_code,
        district_code=version.district_code,
        document_sha256=version.document_sha256,
        order_act_id=version.order_act_id,
    )

"""Rows of an import and what became of them, on the wire and at rest."""

from __future__ import annotations

import hashlib
from datetime import datetime

from google.protobuf import json_format

from services.intake.usecases.imports import ImportApplications, Opened, Row, RowOutcome
from services.intake.wire.applications import submission_from
from services.runtime.admission import check_shape
from services.runtime.civil import code_to_proto
from services.runtime.errors import DomainError, InvalidArgument
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import imports_pb2 as pb
from socialcare.intake.v1 import intake_service_pb2, resources_pb2

__all__ = ["error_from_text", "error_to_text", "import_from", "outcome_to_proto"]

# Rows have keys instead; the shape of a submission asks for an id.
_NO_REQUEST = "00000000-0000-0000-0000-000000000000"


def import_from(request: pb.ImportApplicationsRequest, now: datetime) -> ImportApplications:
    """What was handed in; InvalidArgument when a key comes twice. A row that breaks a rule carries its refusal."""
    keys = [row.row_key for row in request.rows]
    if len(set(keys)) != len(keys):
        raise InvalidArgument(field="rows.row_key")
    return ImportApplications(
        municipality_id=request.municipality_id,
        import_id=request.import_id,
        rows=tuple(_row(row, request.municipality_id, now) for row in request.rows),
    )


def _row(row: pb.ImportRow, municipality_id: str, now: datetime) -> Row:
    digest = hashlib.sha256(row.SerializeToString(deterministic=True)).digest()
    submission = intake_service_pb2.SubmitApplicationRequest(
        request_id=_NO_REQUEST,
        municipality_id=municipality_id,
        person=row.person if row.HasField("person") else None,
        service_code=row.service_code,
        channel=resources_pb2.CHANNEL_BULK,
        document_codes=row.document_codes,
        facts=row.facts if row.HasField("facts") else None,
        facility_code=row.facility_code,
        received_time=row.received_time if row.HasField("received_time") else None,
        backdating_reason_code=row.backdating_reason_code,
    )
    try:
        check_shape(submission)
        return Row(row.row_key, digest, submission_from(submission, now))
    except DomainError as refusal:
        return Row(row.row_key, digest, refusal)


def outcome_to_proto(outcome: RowOutcome) -> pb.ImportRowOutcome:
    """What became of a row."""
    match outcome.result:
        case Opened(application_id, state, before):
            return pb.ImportRowOutcome(
                row_key=outcome.key,
                application_id=application_id,
                state=code_to_proto(types_pb2.CaseState, state),
                imported_before=before,
            )
        case DomainError() as refusal:
            return pb.ImportRowOutcome(row_key=outcome.key, error=_error(refusal))


def error_to_text(refusal: DomainError) -> str:
    """A refusal as it is stored: the JSON of the contract's message."""
    return json_format.MessageToJson(_error(refusal), indent=None, preserving_proto_field_name=True)


def error_from_text(text: str) -> pb.ImportRowError:
    """A refusal as it was stored."""
    return json_format.Parse(text, pb.ImportRowError(), ignore_unknown_fields=True)


def _error(refusal: DomainError) -> pb.ImportRowError:
    return pb.ImportRowError(
        reason=refusal.reason,
        fields=dict.fromkeys(violation.field for violation in refusal.violations),
        article=refusal.article,
        metadata=refusal.metadata,
        message_bg=refusal.message_bg,
        message_en=refusal.message_en,
    )

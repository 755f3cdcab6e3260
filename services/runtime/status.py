"""Refusals on the wire: `google.rpc.Status` with one `ErrorInfo`, the detail of its branch and a Bulgarian message."""

from __future__ import annotations

from collections.abc import Iterable

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from services.runtime import errors
from services.runtime.errors import DomainError, FieldViolation

__all__ = ["DOMAIN", "code_of", "error_of", "status_of"]

DOMAIN = "socialcare.bg"

_RETRY_SECONDS = 1

_BRANCHES: tuple[tuple[type[DomainError], grpc.StatusCode], ...] = (
    (errors.InvalidArgument, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (errors.Forbidden, grpc.StatusCode.PERMISSION_DENIED),
    (errors.NotFound, grpc.StatusCode.NOT_FOUND),
    (errors.AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (errors.Refused, grpc.StatusCode.FAILED_PRECONDITION),
    (errors.Aborted, grpc.StatusCode.ABORTED),
    (errors.Exhausted, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.DeadlineTooShort, grpc.StatusCode.DEADLINE_EXCEEDED),
    (errors.Unsupported, grpc.StatusCode.UNIMPLEMENTED),
    (errors.PeerUnavailable, grpc.StatusCode.UNAVAILABLE),
)


def code_of(error: DomainError) -> grpc.StatusCode:
    """Status code of the refusal's branch."""
    return next((code for branch, code in _BRANCHES if isinstance(error, branch)), grpc.StatusCode.INTERNAL)


def status_of(error: DomainError) -> status_pb2.Status:
    """The refusal with its details."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata),
        *_details(error),
        error_details_pb2.LocalizedMessage(locale="bg", message=error.message_bg),
    ]
    return status_pb2.Status(code=code_of(error).value[0], message=error.message_en, details=map(_packed, details))


def _details(error: DomainError) -> Iterable[Message]:
    match error:
        case errors.InvalidArgument() if error.violations:
            yield error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=one.field, description=one.description, reason=error.reason
                    )
                    for one in error.violations
                ]
            )
        case errors.Refused() | errors.Exhausted():
            yield error_details_pb2.PreconditionFailure(
                violations=[
                    error_details_pb2.PreconditionFailure.Violation(
                        type=error.reason,
                        subject="/".join(filter(None, (error.resource_type, error.resource_id))),
                        description=error.message_en,
                    )
                ]
            )
        case errors.NotFound() | errors.AlreadyExists() if error.resource_type:
            yield error_details_pb2.ResourceInfo(
                resource_type=error.resource_type, resource_name=error.resource_id, description=error.message_en
            )
        case errors.PeerUnavailable():
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromSeconds(_RETRY_SECONDS)
            yield retry
        case _:
            pass


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def error_of(code: grpc.StatusCode, status: status_pb2.Status | None) -> DomainError | None:
    """The refusal behind a status of another service, or None when it carries no reason of ours."""
    branch = next((branch for branch, branch_code in _BRANCHES if branch_code is code), None)
    info, bad_request, resource = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.ResourceInfo(),
    )
    for detail in status.details if status is not None else ():
        for known in (info, bad_request, resource):
            if detail.Is(known.DESCRIPTOR):
                detail.Unpack(known)
    if branch is None or info.domain != DOMAIN:
        return None
    error = branch(
        violations=[FieldViolation(one.field, one.description) for one in bad_request.field_violations],
        resource_type=resource.resource_type,
        resource_id=resource.resource_name,
        metadata=dict(info.metadata),
    )
    error.reason = info.reason
    return error

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from services.runtime import errors
from services.runtime.errors import DomainError, FieldViolation
from services.runtime.status import DOMAIN, code_of, error_of, status_of


class DuplicateCase(errors.AlreadyExists):
    reason = "DUPLICATE_CASE"
    article = "R-02"
    text_bg = "Вече има случай {case_id}."
    text_en = "There is a case {case_id} already."


def details(status: status_pb2.Status, kind: type[Message]) -> list[Any]:
    found = []
    for packed in status.details:
        message = kind()
        if packed.Unpack(message):
            found.append(message)
    return found


def test_a_refusal_has_one_reason_its_detail_and_a_bulgarian_message() -> None:
    refusal = DuplicateCase(resource_type="application", resource_id="a-1", metadata={"case_id": "a-1"})
    status = status_of(refusal)
    (info,) = details(status, error_details_pb2.ErrorInfo)
    (resource,) = details(status, error_details_pb2.ResourceInfo)
    (text,) = details(status, error_details_pb2.LocalizedMessage)
    assert status.code == grpc.StatusCode.ALREADY_EXISTS.value[0]
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "DUPLICATE_CASE",
        DOMAIN,
        {"case_id": "a-1", "article": "R-02"},
    )
    assert resource.resource_name == "a-1"
    assert (text.locale, text.message) == ("bg", "Вече има случай a-1.")
    assert status.message == "There is a case a-1 already."


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (errors.InvalidArgument(field="person.identifier"), error_details_pb2.BadRequest),
        (errors.Refused(), error_details_pb2.PreconditionFailure),
        (errors.Exhausted(), error_details_pb2.PreconditionFailure),
        (errors.NotFound(resource_type="case", resource_id="1"), error_details_pb2.ResourceInfo),
        (errors.PeerUnavailable(), error_details_pb2.RetryInfo),
    ],
)
def test_each_branch_has_its_detail(refusal: DomainError, kind: type[Message]) -> None:
    assert len(details(status_of(refusal), kind)) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        errors.InvalidArgument(violations=[FieldViolation("a", "b"), FieldViolation("c", "d")]),
        errors.NotYours(),
        DuplicateCase(resource_type="application", resource_id="a-1", metadata={"case_id": "a-1"}),
        errors.Refused(metadata={"state": "DRAFT"}),
        errors.Aborted(),
        errors.Unsupported(),
    ],
)
def test_a_refusal_survives_the_way_through_a_peer(refusal: DomainError) -> None:
    again = error_of(code_of(refusal), status_of(refusal))
    assert again is not None
    assert (again.reason, again.metadata) == (refusal.reason, refusal.metadata)
    assert [one.field for one in again.violations] == [one.field for one in refusal.violations]
    assert code_of(again) is code_of(refusal)


def test_a_status_without_our_reason_is_no_refusal_of_ours() -> None:
    assert error_of(grpc.StatusCode.UNAVAILABLE, None) is None
    assert error_of(grpc.StatusCode.NOT_FOUND, status_pb2.Status(code=5)) is None


def test_a_reason_outside_the_contract_fails_at_import() -> None:
    with pytest.raises(ValueError, match="NO_SUCH_REASON"):
        type("Wrong", (errors.Refused,), {"reason": "NO_SUCH_REASON"})


def test_every_branch_has_texts_in_both_languages() -> None:
    for name in errors.__all__:
        branch = getattr(errors, name)
        if isinstance(branch, type) and issubclass(branch, DomainError):
            assert branch.text_bg != branch.text_en

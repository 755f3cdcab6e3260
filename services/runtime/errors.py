"""Refusals that a caller can act on, one tree for all stages.

    DomainError
    ├─ InvalidArgument    INVALID_ARGUMENT    + BadRequest
    ├─ Unauthenticated    UNAUTHENTICATED
    ├─ Forbidden          PERMISSION_DENIED
    ├─ NotFound           NOT_FOUND           + ResourceInfo
    ├─ AlreadyExists      ALREADY_EXISTS      + ResourceInfo
    ├─ Refused            FAILED_PRECONDITION + PreconditionFailure
    ├─ Aborted            ABORTED
    ├─ Exhausted          RESOURCE_EXHAUSTED  + PreconditionFailure
    ├─ DeadlineTooShort   DEADLINE_EXCEEDED
    ├─ Unsupported        UNIMPLEMENTED
    └─ PeerUnavailable    UNAVAILABLE         + RetryInfo

A stage subclasses a branch in its own `errors.py` and names its reason there; a reason that the enum
`socialcare.common.v1.ErrorReason` does not have fails at import. A bug is an assertion or any other exception, never
one of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from socialcare.common.v1 import errors_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Aborted",
    "AlreadyExists",
    "BusinessTimeNotAllowed",
    "ConcurrentChange",
    "DeadlineTooShort",
    "DomainError",
    "EtagMismatch",
    "Exhausted",
    "FieldViolation",
    "Forbidden",
    "InvalidArgument",
    "NotFound",
    "NotYours",
    "PeerUnavailable",
    "Refused",
    "RequestIdReused",
    "Unauthenticated",
    "Unsupported",
]


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field that is not as documented."""

    field: str
    """Path in the request, for example `person.identifier`."""
    description: str
    """Rule that the field breaks; never the value itself."""


class DomainError(Exception):
    """A refusal with a closed reason code.

    `metadata` holds ids, codes, dates and numbers, never personal data. The two texts are templates of the class over
    `metadata`.
    """

    reason: str = "INTERNAL"
    """Name from `ErrorReason` without its prefix."""
    article: ClassVar[str] = ""
    """Rule or article behind the refusal, for example `R-02`."""
    text_bg: ClassVar[str] = "Действието не може да бъде извършено."
    text_en: ClassVar[str] = "The step is not possible."

    def __init_subclass__(cls) -> None:
        """Check the reason against the contract.

        Raises:
            ValueError: the enum has no such reason.
        """
        errors_pb2.ErrorReason.Value(f"ERROR_REASON_{cls.reason}")

    def __init__(
        self,
        *,
        field: str = "",
        violations: Sequence[FieldViolation] = (),
        resource_type: str = "",
        resource_id: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Make a refusal.

        Args:
            field: path of the offending request field, when there is one.
            violations: several offending fields, instead of `field`.
            resource_type: kind of the resource meant, for example `application`.
            resource_id: its opaque id.
            metadata: typed data for the client, sent in `ErrorInfo.metadata`.
        """
        super().__init__(self.reason)
        self.resource_type = resource_type
        self.resource_id = resource_id
        self.metadata: dict[str, str] = dict(metadata or {})
        if self.article:
            self.metadata.setdefault("article", self.article)
        self.violations = tuple(violations) or ((FieldViolation(field, self.message_en),) if field else ())
        self.audited = False

    @property
    def field(self) -> str:
        """Path of the first offending field, or empty."""
        return self.violations[0].field if self.violations else ""

    @property
    def message_bg(self) -> str:
        """The refusal in Bulgarian."""
        return self.text_bg.format_map(self.metadata)

    @property
    def message_en(self) -> str:
        """The refusal in English."""
        return self.text_en.format_map(self.metadata)


class InvalidArgument(DomainError):
    """The request itself is wrong, whatever the state of the system."""

    reason = "INVALID_FIELD"
    text_bg = "Поле в заявката не отговаря на описанието си."
    text_en = "A field of the request is not as documented."


class ReasonNotListed(InvalidArgument):
    """The reason that an operator gives is none of the closed ones for what is asked."""

    reason = "REASON_NOT_LISTED"
    text_bg = "За това действие няма такава причина."
    text_en = "There is no such reason for this."


class Unauthenticated(DomainError):
    """No token, or none that this service trusts."""

    reason = "TOKEN_INVALID"
    text_bg = "Липсва валидно удостоверение за достъп."
    text_en = "There is no valid access token."


class Forbidden(DomainError):
    """The caller is known and may not."""

    reason = "ROLE_MISSING"
    text_bg = "Нямате роля, която позволява това действие."
    text_en = "You have no role that allows this step."


class NotYours(Forbidden):
    """The caller may not act for this municipality or person."""

    reason = "NOT_YOURS"
    text_bg = "Нямате достъп до данните на тази община или на това лице."
    text_en = "You have no access to this municipality or person."


class NotFound(DomainError):
    """No such resource, or none that the caller may know of."""

    reason = "NOT_FOUND"
    text_bg = "Няма такъв запис."
    text_en = "There is no such record."


class AlreadyExists(DomainError):
    """A resource with that key exists."""

    reason = "ALREADY_EXISTS"
    text_bg = "Такъв запис вече съществува."
    text_en = "Such a record exists already."


class Refused(DomainError):
    """The state of things, or the law, does not allow the step now."""

    reason = "STATE_NOT_ALLOWED"
    text_bg = "Състоянието на случая не позволява това действие."
    text_en = "The state of the case does not allow this step."


class StaffNotAllowed(Refused):
    """The staff member whom an operator names may not do this in the case's municipality (ADR 0001)."""

    reason = "STAFF_NOT_ALLOWED"
    text_bg = "Посоченият служител няма право на това действие."
    text_en = "The staff member named may not do this."


class Aborted(DomainError):
    """Something changed meanwhile; read again and repeat."""

    reason = "CONCURRENT_CHANGE"
    text_bg = "Записът беше променен едновременно. Опитайте отново."
    text_en = "The record was changed at the same time. Try again."


class EtagMismatch(Aborted):
    """The resource changed since the etag was read."""

    reason = "ETAG_MISMATCH"
    text_bg = "Записът е променен, след като е прочетен."
    text_en = "The record changed after it was read."


class ConcurrentChange(Aborted):
    """A concurrent transaction won."""


class Exhausted(DomainError):
    """A countable thing is used up."""

    reason = "NO_FREE_PLACE"
    text_bg = "Няма свободно място."
    text_en = "There is no free place."


class DeadlineTooShort(DomainError):
    """The call arrived with too little time left to be worth starting."""

    reason = "DEADLINE_TOO_SHORT"
    text_bg = "Оставащото време не стига за изпълнение."
    text_en = "The time left is too short to start."


class Unsupported(DomainError):
    """The contract has the method; this version does not offer it yet."""

    reason = "NOT_SUPPORTED_YET"
    text_bg = "Тази версия още не предлага действието."
    text_en = "This version does not offer the step yet."


class PeerUnavailable(DomainError):
    """Another part of the system is away; the same request may be repeated."""

    reason = "PEER_UNAVAILABLE"
    text_bg = "Част от системата е временно недостъпна. Опитайте отново."
    text_en = "A part of the system is away. Try again."


class RequestIdReused(InvalidArgument):
    """The request id was used before with another body."""

    reason = "REQUEST_ID_REUSED"
    text_bg = "Този номер на заявка вече е използван с друго съдържание."
    text_en = "This request id was used before with another body."

    def __init__(self, *, field: str = "request_id") -> None:
        """Point at the one field; a row of an import has its key instead."""
        super().__init__(field=field)


class BusinessTimeNotAllowed(InvalidArgument):
    """Business time was sent to a system that runs on the system clock."""

    reason = "BUSINESS_TIME_NOT_ALLOWED"
    text_bg = "Системата работи с действителното време."
    text_en = "The system runs on real time."

"""Whose cases a caller may know of: a foreign case is answered like one that does not exist."""

from __future__ import annotations

from services.intake.domain.application import Application
from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.errors import NotFound, NotYours

__all__ = ["may_read_health", "require_own_case"]

_MAY_READ_HEALTH = (Role.APPLICANT, Role.SOCIAL_WORKER, Role.OFFICE_HEAD)


def require_own_case(caller: Caller, application: Application) -> None:
    """NotFound unless the case belongs to the caller's municipality, and to the person for an applicant."""
    try:
        caller.require_municipality(application.municipality_id)
        caller.require_person(application.person_id)
    except NotYours as error:
        raise NotFound(resource_type="application", resource_id=application.id) from error


def may_read_health(caller: Caller) -> bool:
    """Whether the rules' explanation, which tells of health, may be shown (domain.md section 10)."""
    return caller.has(*_MAY_READ_HEALTH)

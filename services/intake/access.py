"""Whose cases a caller may know of: a foreign case is answered like one that does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from services.intake.domain.application import Application
from services.intake.domain.representation import AuthorityScope
from services.intake.storage import person_reading
from services.kernel.codes import Role, Stage
from services.runtime.auth import ALL_MUNICIPALITIES, Caller
from services.runtime.commands import Call
from services.runtime.database import Database
from services.runtime.errors import Forbidden, NotFound, NotYours

__all__ = ["may_read_health", "may_read_records", "require_own_case", "require_staff", "speaking_for", "standing_of"]

_MAY_READ_HEALTH = (Role.APPLICANT, Role.SOCIAL_WORKER, Role.OFFICE_HEAD)
_STAFF = (Role.SOCIAL_WORKER, Role.OFFICE_HEAD)


def require_own_case(caller: Caller, application: Application) -> None:
    """NotFound unless the case belongs to the caller's municipality, and to the person for an applicant."""
    try:
        caller.require_municipality(application.municipality_id)
        caller.require_person(application.person_id)
    except NotYours as error:
        raise NotFound(resource_type="application", resource_id=application.id) from error


async def standing_of(call: Call, application: Application, scope: AuthorityScope, database: Database) -> Call:
    """The call of somebody who may do this in the case, as themselves or for the applicant on whose behalf they act.

    Raises:
        NotFound: the case is none of theirs.
        NotYours: they represent the applicant, but not in this.
    """
    try:
        require_own_case(call.caller, application)
    except NotFound:
        held = await speaking_for(
            call.caller, application.municipality_id, application.person_id, application.id, call.today, database
        )
        if not held:
            raise
        if scope not in held:
            raise NotYours from None
        call = replace(call, on_behalf_of=application.person_id)
    return replace(call, municipality_id=application.municipality_id)


async def speaking_for(  # noqa: PLR0917 a case, a day and where to look
    caller: Caller, municipality_id: str, person_id: str, application_id: str, day: date, database: Database
) -> frozenset[AuthorityScope]:
    """What a representative may do for the person on the day; nothing for anybody else."""
    at_home = ALL_MUNICIPALITIES in caller.municipalities or municipality_id in caller.municipalities
    if caller.roles != {Role.APPLICANT} or not caller.person or not at_home:
        return frozenset()
    async with database.glance() as tx:
        return await person_reading.authority(tx, caller.person, person_id, application_id, day)


def require_staff(caller: Caller) -> None:
    """Forbidden unless the caller is somebody at the counter, who can have seen a paper."""
    if not caller.has(*_STAFF):
        raise Forbidden(metadata={"roles": ",".join(_STAFF)})


_EVERYBODY = frozenset(Role)
_MAY_READ_RECORDS: Mapping[Stage, frozenset[Role]] = MappingProxyType(
    {
        Stage.INTAKE: _EVERYBODY,
        Stage.ASSESSMENT: _EVERYBODY,
        Stage.PLACEMENT: _EVERYBODY,
        Stage.DELIVERY: _EVERYBODY,
        # As for the account of a case (domain.md section 10).
        Stage.BILLING: frozenset({Role.APPLICANT, Role.OFFICE_HEAD, Role.BILLING_CLERK, Role.INTEGRATOR, Role.DPO}),
    }
)


def may_read_records(caller: Caller, stage: Stage) -> bool:
    """Whether a timeline may show the caller what the stage has on record."""
    return caller.has(*_MAY_READ_RECORDS[stage])


def may_read_health(caller: Caller) -> bool:
    """Whether the rules' explanation, which tells of health, may be shown (domain.md section 10)."""
    return caller.has(*_MAY_READ_HEALTH)

"""When somebody must see to the next order or referral, before the present one covers nothing more (R-33, C-29)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.delivery.domain.care import ContractCopy
from services.kernel.dates import start_of_day
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.register import decides

__all__ = ["NOTICE_DAYS", "AuthorisationEnd", "authorisation_end"]

NOTICE_DAYS = "authorisation.ending_notice_days"
"""Setting: how many days before the last covered day the office is told."""


@dataclass(frozen=True, slots=True)
class AuthorisationEnd:
    """A contract that goes on when its order or referral covers it no more."""

    noticed: datetime
    """First instant at which the office is told."""
    ends: datetime
    """First instant that is not covered: care stops."""


@decides("R-33")
def authorisation_end(contract: ContractCopy, settings: MunicipalSettings) -> AuthorisationEnd | None:
    """When the authorisation ends under a contract that goes on; None when it does not, or none is needed."""
    last = contract.authorised_to
    if last is None or contract.deceased or (contract.end is not None and contract.end <= last):
        return None
    noticed = start_of_day(last - timedelta(days=settings.whole(NOTICE_DAYS)))
    return AuthorisationEnd(noticed, start_of_day(last + timedelta(days=1)))

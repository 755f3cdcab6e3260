"""Messages about tariffs from and to values of billing."""

from __future__ import annotations

import re
from decimal import Decimal

from services.billing.domain.tariffs import PercentTariff, TariffKind
from services.billing.errors import InvalidFact
from services.billing.storage.tariffs import KeptTariff
from services.billing.usecases.tariffs import NewTariff
from services.billing.wire.accounts import cents
from services.kernel.money import Money
from services.runtime.civil import code_from_proto, instant_to_proto, money_to_proto, month_from_proto, month_to_proto
from socialcare.billing.v1 import tariffs_pb2 as pb

__all__ = ["new_tariff", "tariff_to_proto", "tariff_to_try"]

_PERCENT = re.compile(r"(0|[1-9][0-9]{0,2})(\.[0-9]{1,4})?", re.ASCII)


def new_tariff(request: pb.SetTariffRequest) -> NewTariff:
    """A tariff to be recorded.

    InvalidFact for a blank citation, an amount that is negative or finer than a cent, a percent that is no number, and
    for the one of them where the other is fixed.
    """
    citation = request.citation.strip()
    if not citation:
        raise InvalidFact(field="citation")
    kind = code_from_proto(pb.TariffKind, request.kind, TariffKind, "kind")
    return NewTariff(
        request.municipality_id,
        request.service_code,
        kind,
        month_from_proto(request.from_month, "from_month"),
        _fixed(request, kind, ""),
        citation,
    )


def tariff_to_try(message: pb.TariffChange, municipality_id: str, service_code: str) -> NewTariff:
    """A tariff of a case's service for a preview; the decision behind it is still to come."""
    kind = code_from_proto(pb.TariffKind, message.kind, TariffKind, "tariff.kind")
    return NewTariff(
        municipality_id,
        service_code,
        kind,
        month_from_proto(message.from_month, "tariff.from_month"),
        _fixed(message, kind, "tariff."),
        "-",
    )


def _fixed(message: pb.SetTariffRequest | pb.TariffChange, kind: TariffKind, within: str) -> Money | Decimal:
    if kind is not TariffKind.PERCENT:
        if message.percent:
            raise InvalidFact(field=f"{within}percent")
        return cents(message.amount, f"{within}amount")
    if message.HasField("amount"):
        raise InvalidFact(field=f"{within}amount")
    if _PERCENT.fullmatch(message.percent) is None:
        raise InvalidFact(field=f"{within}percent")
    return Decimal(message.percent)


def tariff_to_proto(kept: KeptTariff) -> pb.Tariff:
    """A tariff as it was recorded."""
    tariff = kept.tariff
    return pb.Tariff(
        service_code=tariff.service_code,
        kind=pb.TARIFF_KIND_PERCENT if isinstance(tariff, PercentTariff) else f"TARIFF_KIND_{tariff.kind.name}",
        from_month=month_to_proto(tariff.from_month),
        amount=None if isinstance(tariff, PercentTariff) else money_to_proto(tariff.amount),
        percent=f"{tariff.percent.normalize():f}" if isinstance(tariff, PercentTariff) else "",
        citation=tariff.citation,
        recorded_at=instant_to_proto(kept.recorded_at),
        number=tariff.number,
    )

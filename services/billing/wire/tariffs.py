"""Messages about tariffs from and to values of billing."""

from __future__ import annotations

from services.billing.domain.tariffs import TariffKind
from services.billing.errors import InvalidFact
from services.billing.storage.tariffs import KeptTariff
from services.billing.usecases.tariffs import NewTariff
from services.billing.wire.accounts import cents
from services.runtime.civil import code_from_proto, instant_to_proto, money_to_proto, month_from_proto, month_to_proto
from socialcare.billing.v1 import tariffs_pb2 as pb

__all__ = ["new_tariff", "tariff_to_proto", "tariff_to_try"]


def new_tariff(request: pb.SetTariffRequest) -> NewTariff:
    """A tariff to be recorded; InvalidFact for a negative amount, one finer than a cent or a blank citation."""
    citation = request.citation.strip()
    if not citation:
        raise InvalidFact(field="citation")
    return NewTariff(
        request.municipality_id,
        request.service_code,
        code_from_proto(pb.TariffKind, request.kind, TariffKind, "kind"),
        month_from_proto(request.from_month, "from_month"),
        cents(request.amount, "amount"),
        citation,
    )


def tariff_to_try(message: pb.TariffChange, municipality_id: str, service_code: str) -> NewTariff:
    """A tariff of a case's service for a preview; the decision behind it is still to come."""
    return NewTariff(
        municipality_id,
        service_code,
        code_from_proto(pb.TariffKind, message.kind, TariffKind, "tariff.kind"),
        month_from_proto(message.from_month, "tariff.from_month"),
        cents(message.amount, "tariff.amount"),
        "-",
    )


def tariff_to_proto(kept: KeptTariff) -> pb.Tariff:
    """A tariff as it was recorded."""
    tariff = kept.tariff
    return pb.Tariff(
        service_code=tariff.service_code,
        kind=f"TARIFF_KIND_{tariff.kind.name}",
        from_month=month_to_proto(tariff.from_month),
        amount=money_to_proto(tariff.amount),
        citation=tariff.citation,
        recorded_at=instant_to_proto(kept.recorded_at),
        number=tariff.number,
    )

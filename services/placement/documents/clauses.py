"""What a contract says of fee, pause, end and appeals, from settings and catalogue of the municipality."""

from __future__ import annotations

from services.kernel.local_rules import LocalRules
from services.kernel.money import Money
from services.kernel.register import decides
from services.kernel.service_entry import Charge, Family, ServiceEntry
from services.placement.documents.words import Said
from services.placement.domain.cases import Contract

__all__ = ["appeals", "ending", "fee", "pause"]

_BASE = Said(
    "Основата е личният доход за месеца без изключените добавки (F-02).",
    "The base is the personal income of the month without the supplements that are left out (F-02).",
)
_ACTUAL_COST = Said(
    "Който има спестявания над прага или е прехвърлил имущество, плаща действителните разходи (F-04).",
    "Who has savings above the threshold or has transferred property pays the actual cost (F-04).",
)
_PRORATED = Said(
    "Начисляват се само дните на ползване; дните на прекъсване не се плащат (F-11).",
    "Only days of care are charged; paused days cost nothing (F-11).",
)
_WAR = Said(
    "Ветераните и пострадалите от войните плащат по-малко (F-06, F-07).",
    "War veterans and those injured in war pay less (F-06, F-07).",
)
_OWN_MONEY = Said(
    "Покупки, сметки и лекарства се плащат със средства на потребителя без надценка (F-16).",
    "Shopping, bills and medicines are paid with the user's own money, without mark-up (F-16).",
)


@decides("S6")
def fee(service: ServiceEntry, contract: Contract, rules: LocalRules) -> list[Said]:
    """How the fee comes about, when it is due, and what terms the contract names."""
    said = [_kind_of_fee(service, contract, rules)]
    if service.charge is Charge.PCT:
        said += [_BASE, _ACTUAL_COST, _WAR, _PRORATED]
    if contract.actual_cost is not None:
        cost = _amount(contract.actual_cost)
        said.append(
            Said(f"Действителен месечен разход: {cost}.", f"Actual monthly cost: {cost}."),
        )
    if service.family is Family.PATRONAGE:
        said.append(_OWN_MONEY)
    day = rules.settings.whole("billing.due_day")
    said.append(
        Said(
            f"Сметката за месеца е платима до {day}-о число на следващия месец (D-07).",
            f"The bill of a month is due by day {day} of the next month (D-07).",
        )
    )
    return said


def _kind_of_fee(service: ServiceEntry, contract: Contract, rules: LocalRules) -> Said:
    if service.family is Family.PATRONAGE:
        if rules.settings.text("fee.hsp.mode") == "ACTUAL_COST":
            return Said(
                "Месечната такса е действителният месечен разход.", "The monthly fee is the actual monthly cost."
            )
        return _percent(rules.settings.text("fee.hsp.pct"))
    if service.charge is Charge.PCT and service.percent is not None:
        key = f"fee.pct.{service.code}"
        configured = service.percent.least < service.percent.most
        return _percent(rules.settings.text(key) if configured else format(service.percent.default, "f"))
    if contract.unit_price is not None and contract.unit_price.minor > 0:
        price = _amount(contract.unit_price)
        return Said(f"Плащат се ползваните единици по {price}.", f"Delivered units are charged at {price}.")
    return Said("Услугата е без такса за потребителя.", "The service is free for the user.")


def _percent(percent: str) -> Said:
    return Said(
        f"Месечната такса е {percent} % от дохода, но не повече от действителния разход (F-03, F-05).",
        f"The monthly fee is {percent} % of income, never above the actual cost (F-03, F-05).",
    )


@decides("P-01", "P-03")
def pause(service: ServiceEntry, rules: LocalRules) -> list[Said]:
    """The right to pause; only home patronage has one."""
    if service.family is not Family.PATRONAGE:
        return [
            Said(
                "За тази услуга не се предвижда прекъсване без такса (P-03).",
                "This service has no pause without fee (P-03).",
            )
        ]
    months = rules.settings.whole("pause.max_months")
    return [
        Said(
            f"До {months} месеца в календарна година, без отказ от услугата и без такса (P-01, P-02).",
            f"Up to {months} months in a calendar year, without giving up the service and without fee (P-01, P-02).",
        ),
        Said(
            "Заявява се преди първия ден; със задна дата само с болничен документ (P-09).",
            "It is asked for before its first day; afterwards only with proof of a hospital stay (P-09).",
        ),
        Said(
            "При по-ранно връщане неизползваните дни остават на разположение (P-10).",
            "After an early return the unused days stay available (P-10).",
        ),
    ]


@decides("S11", "D-08")
def ending() -> list[Said]:
    """How the contract is amended and how it ends."""
    return [
        Said(
            "Изменя се писмено с нова редакция от определен ден; предишните редакции се пазят.",
            "It is amended in writing by a new version from a stated day; earlier versions are kept.",
        ),
        Said(
            "Прекратява се по желание на потребителя, по взаимно писмено съгласие, при нарушение или при смърт (S11).",
            "It ends at the user's wish, by mutual written consent, for breach or by death (S11).",
        ),
        Said(
            "За неплащане: само с решение на ръководителя и най-рано след два месеца от падежа (D-08).",
            "For arrears: only by the office head's decision, two months after the due date at the earliest (D-08).",
        ),
        Said("Последният ден на услугата се заплаща.", "The last day of care is charged."),
    ]


@decides("D-05", "D-06")
def appeals() -> list[Said]:
    """Where and when one may appeal."""
    return [
        Said(
            "Отказ или заповед се обжалват в 14 дни от съобщаването (АПК, чл. 149, ал. 1; D-05).",
            "A refusal or an order may be appealed within 14 days of its notice (D-05).",
        ),
        Said(
            "Мълчаливият отказ се обжалва в месец от изтичането на срока (АПК, чл. 149, ал. 2; D-06).",
            "Silence may be appealed within a month of the missed date (D-06).",
        ),
    ]


def _amount(amount: Money) -> str:
    return f"{amount.minor // 100}.{amount.minor % 100:02} {amount.currency}"

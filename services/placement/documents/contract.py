"""A contract typeset as PDF: the same facts give the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.kernel.language import Language
from services.kernel.local_rules import LocalRules
from services.kernel.service_entry import ServiceEntry
from services.placement.documents import clauses
from services.placement.documents.words import DAYS, HEADINGS, UNITS, Heading, Said
from services.placement.domain.amendments import Amendment, PlanLine
from services.placement.domain.cases import Contract, Placement
from services.runtime.typeset import Facts, typeset

__all__ = ["Basis", "Draft", "Rendering", "User", "rendered"]

_TEMPLATE = """\
#let f = facts
#set page(paper: "a4", margin: (x: 2.2cm, y: 2cm), footer: context [
  #set text(8pt, fill: gray)
  #f.number #h(1fr) #f.page #counter(page).display()
])
#set text(10pt, lang: f.language)
#set par(justify: true)
#show heading: it => block(above: 1.1em, below: 0.6em, text(11pt, it.body))
#align(center, text(15pt, weight: "bold", f.title))
#v(0.4em)
#table(columns: (4.6cm, 1fr), stroke: none, inset: (x: 0pt, y: 3pt),
  ..f.parties.map(row => (text(fill: gray, row.at(0)), row.at(1))).flatten())
#if f.plan.len() > 0 [
  = #f.plan_title
  #table(columns: (1fr, auto, auto), stroke: 0.4pt + gray, inset: 5pt,
    ..f.plan_head.map(cell => strong(cell)), ..f.plan.flatten())
]
#for section in f.sections [
  = #section.title
  #for clause in section.clauses [
    - #clause
  ]
]
#v(2.5cm)
#grid(columns: (1fr, 1fr), gutter: 1cm,
  ..f.signatures.map(who => [#line(length: 100%, stroke: 0.4pt) #text(9pt, who)]))
"""


@dataclass(frozen=True, slots=True)
class User:
    """Who signs, by intake; `name` is the whole name."""

    name: str
    birth_date: date
    address: str


@dataclass(frozen=True, slots=True)
class Basis:
    """The act that the contract rests on."""

    kind: Said
    number: str
    act_date: date
    authority: str


@dataclass(frozen=True, slots=True)
class Rendering:
    """One rendering of a contract."""

    language: Language
    content: bytes

    @property
    def sha256(self) -> str:
        """Its hash, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Draft:
    """What a contract says, from which its document is made."""

    placement: Placement
    contract: Contract
    user: User
    basis: Basis | None
    rules: LocalRules
    version: Amendment | None = None
    """The version that the document is of; None: the contract as signed."""

    @property
    def plan(self) -> tuple[PlanLine, ...]:
        """The plan of the version."""
        return self.contract.plan if self.version is None else self.version.plan

    @property
    def first_date(self) -> date:
        """First day on which the version holds."""
        return self.contract.start_date if self.version is None else self.version.first_date

    @property
    def service(self) -> ServiceEntry:
        """The service on the first day of care; UnknownServiceError where the catalogue lacks it."""
        return self.rules.catalogue.entry(self.placement.service_code, self.contract.start_date)


def rendered(draft: Draft) -> tuple[Rendering, ...]:
    """The contract in every language, that of `contract.language` first.

    UnknownServiceError when the catalogue lacks the service or an item of the plan.
    """
    binding = Language(draft.rules.settings.text("contract.language"))
    ordered = sorted(Language, key=lambda language: language is not binding)
    return tuple(Rendering(language, typeset(_TEMPLATE, _facts(draft, language))) for language in ordered)


def _facts(draft: Draft, language: Language) -> Facts:
    contract = draft.contract
    return {
        "language": language,
        "title": _say(Heading.TITLE, language),
        "number": f"{_say(Heading.NUMBER, language)} {contract.contract_id}",
        "page": _say(Heading.PAGE, language),
        "parties": _parties(draft, language),
        "plan_title": _say(Heading.PLAN, language),
        "plan_head": [_say(head, language) for head in (Heading.WHAT, Heading.QUANTITY, Heading.DAYS)],
        "plan": [_line(line, draft.rules, draft.first_date, language) for line in draft.plan],
        "sections": _sections(draft, language),
        "signatures": [_say(Heading.FOR_PROVIDER, language), _say(Heading.FOR_USER, language)],
    }


def _parties(draft: Draft, language: Language) -> list[list[str]]:
    placement, contract, user, basis = draft.placement, draft.contract, draft.user, draft.basis
    rows = [
        (Heading.NUMBER, contract.contract_id),
        (Heading.SIGNED, _day(contract.signed_date)),
        (Heading.PROVIDER, placement.municipality_id),
        (Heading.USER, f"{user.name}, {_say(Heading.BORN, language)} {_day(user.birth_date)}"),
        (Heading.ADDRESS, user.address),
        (Heading.SERVICE, Said(draft.service.name_bg, draft.service.name_en).in_(language)),
        (Heading.START, _day(contract.start_date)),
        *_version_rows(draft.version),
        (Heading.DISTRICT, placement.district_code),
        (Heading.PLACE, placement.facility_code if placement.holds_place else ""),
    ]
    if basis is not None:
        act = f"{basis.kind.in_(language)} № {basis.number} / {_day(basis.act_date)}, {basis.authority}"
        rows.append((Heading.AUTHORISATION, act))
    return [[_say(heading, language), text] for heading, text in rows if text]


def _version_rows(version: Amendment | None) -> list[tuple[Heading, str]]:
    if version is None:
        return []
    agreed, first = _day(version.agreed_date), _day(version.first_date)
    return [(Heading.VERSION, str(version.number)), (Heading.AGREED, agreed), (Heading.IN_FORCE, first)]


def _line(line: PlanLine, rules: LocalRules, on: date, language: Language) -> list[str]:
    entry = rules.catalogue.entry(line.code, on)
    name = Said(entry.name_bg, entry.name_en).in_(language)
    unit = UNITS[entry.unit].in_(language)
    on_request = Said("при поискване", "on request").in_(language)
    days = ", ".join(DAYS[day].in_(language) for day in line.weekdays) or on_request
    return [name, f"{unit}: {line.quantity}", days]


def _sections(draft: Draft, language: Language) -> list[Mapping[str, str | list[str]]]:
    service, rules = draft.service, draft.rules
    sections = [
        (Heading.PROVIDED, [Said(item.text_bg, item.text_en) for item in service.information_items]),
        (Heading.FEE, clauses.fee(service, draft.contract, rules)),
        (Heading.PAUSE, clauses.pause(service, rules)),
        (Heading.ENDING, clauses.ending()),
        (Heading.APPEALS, clauses.appeals()),
    ]
    return [
        {"title": _say(heading, language), "clauses": [one.in_(language) for one in said]}
        for heading, said in sections
        if said
    ]


def _say(heading: Heading, language: Language) -> str:
    return HEADINGS[heading].in_(language)


def _day(day: date) -> str:
    return f"{day:%d.%m.%Y}"

"""Documents that delivery prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from services.delivery.domain.contacts import Contacts
from services.delivery.rules.assignment_words import clock
from services.delivery.storage.assignment import Task
from services.kernel.catalogue import Catalogue, ServiceEntry
from services.runtime.typeset import Facts, typeset

__all__ = ["print_day_sheet"]

_DAY_SHEET = """\
#set document(title: "Дневен лист")
#set page(paper: "a4", flipped: true, margin: 15mm, footer: context [
  #set text(size: 8pt)
  #facts.assistant, #facts.day #h(1fr) #counter(page).display("1 / 1", both: true)
])
#set text(size: 10pt, lang: "bg")
= Дневен лист за #facts.day
Служител: #facts.assistant

#table(
  columns: (auto, 1fr, 1fr, auto, auto, auto, 25mm, 25mm),
  table.header[*Час*][*При кого*][*Дейност*][*Бр.*][*Район*][*Меню*][*Пристигане*][*Подпис*],
  ..facts.tasks.map(task => (
    [#task.from–#task.to],
    [#if task.person != "" [*#task.person* \\ #task.address \\ ]#text(size: 7pt)[#task.application]],
    [#task.activity],
    [#task.units], [#task.district], [#task.menu], [], [],
  )).flatten()
)
#if facts.incomplete [Имена и адреси липсват, защото регистърът не отговори. Намират се по номера на заявлението.]
"""


def print_day_sheet(
    assistant_id: str, on: date, tasks: Sequence[Task], contacts: Contacts, catalogue: Catalogue
) -> bytes:
    """The sheet of an assistant's day as PDF in Bulgarian, codes in words; who is visited as far as it is known."""
    facts: Facts = {
        "assistant": assistant_id,
        "day": f"{on:%d.%m.%Y}",
        "tasks": [_task(task, contacts, catalogue.find(task.standing.code, on)) for task in tasks],
        "incomplete": bool(contacts.failure),
    }
    return typeset(_DAY_SHEET, facts)


def _task(task: Task, contacts: Contacts, entry: ServiceEntry | None) -> Facts:
    visit, slot = task.standing, task.standing.slot
    contact = contacts.by_application.get(visit.application_id)
    return {
        "from": "" if slot is None else clock(slot.start),
        "to": "" if slot is None else clock(slot.end),
        "activity": visit.code if entry is None else entry.name_bg,
        "person": "" if contact is None else contact.name,
        "address": "" if contact is None else contact.address,
        "application": visit.application_id,
        "units": str(task.units),
        "district": visit.district,
        "menu": task.menu_code,
    }

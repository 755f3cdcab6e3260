"""Documents that delivery prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from services.delivery.rules.assignment_words import clock
from services.delivery.storage.assignment import Task
from services.kernel.catalogue import Catalogue
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
  columns: (auto, 1fr, auto, auto, auto, 25mm, 25mm),
  table.header[*Час*][*Дейност*][*Бр.*][*Район*][*Меню*][*Пристигане*][*Подпис*],
  ..facts.tasks.map(task => (
    [#task.from–#task.to],
    [#task.name \\ #text(size: 7pt)[#task.application]],
    [#task.units], [#task.district], [#task.menu], [], [],
  )).flatten()
)
Имената и адресите се намират по номера на заявлението.
"""


def print_day_sheet(assistant_id: str, on: date, tasks: Sequence[Task], catalogue: Catalogue) -> bytes:
    """The sheet of an assistant's day as PDF in Bulgarian: ids instead of names, codes in words."""
    facts: Facts = {
        "assistant": assistant_id,
        "day": f"{on:%d.%m.%Y}",
        "tasks": [_task(task, on, catalogue) for task in tasks],
    }
    return typeset(_DAY_SHEET, facts)


def _task(task: Task, on: date, catalogue: Catalogue) -> Facts:
    visit, slot = task.standing, task.standing.slot
    entry = catalogue.find(visit.code, on)
    return {
        "from": "" if slot is None else clock(slot.start),
        "to": "" if slot is None else clock(slot.end),
        "name": visit.code if entry is None else entry.name_bg,
        "application": visit.application_id,
        "units": str(task.units),
        "district": visit.district,
        "menu": task.menu_code,
    }

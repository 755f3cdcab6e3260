"""Commands in documentation: `console` blocks, lines with `$ `, continued with `> `, then what they print."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Command", "commands_of", "shows"]

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
ANYTHING = "…"


@dataclass(slots=True)
class Command:
    """One command with the lines that the page shows of its output; `…` in a line stands for anything."""

    text: str
    output: list[str] = field(default_factory=list)

    @property
    def is_refused(self) -> bool:
        return self.output[:1] == ["ERROR:"]


def commands_of(page: str) -> list[Command]:
    commands: list[Command] = []
    for block in _BLOCK.findall(page):
        for line in block.splitlines():
            if line.startswith("$ "):
                commands.append(Command(line[2:]))
            elif line.startswith("> "):
                commands[-1].text += "\n" + line[2:]
            else:
                commands[-1].output.append(line)
    return commands


def shows(printed: str, expected: list[str]) -> bool:
    """Whether the expected lines are among the printed ones, in this order."""
    lines = iter(printed.splitlines())
    return all(any(_matches(line, wanted) for line in lines) for wanted in expected)


def _matches(line: str, wanted: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, wanted.split(ANYTHING))), line) is not None

"""Documents for people as PDF: a Typst template, facts as JSON, the same bytes for the same facts on every machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import typst

__all__ = ["Facts", "picture", "typeset"]

Fact: TypeAlias = "str | int | bool | Sequence[Fact] | Mapping[str, Fact] | None"
Facts: TypeAlias = Mapping[str, Fact]
"""What a template may read. No float: amounts and dates arrive written out in the reader's language."""

# A document carries no date of its making and only fonts that the library brings, so nothing of the machine is in it.
_PREAMBLE = """\
#set document(date: none)
#let facts = json(bytes(sys.inputs.facts))
"""


def typeset(template: str, facts: Facts) -> bytes:
    """Typeset a document as PDF.

    The template reads `facts`; what stands in them is text, never markup. Raises `typst.TypstError` for a template
    that does not compile or asks for a fact that is not there: a defect of the template.
    """
    return _compile(template, facts, "pdf")


def picture(template: str, facts: Facts) -> bytes:
    """Typeset the only page of a document as PNG, for the pages of the documentation."""
    return _compile(template, facts, "png")


def _compile(template: str, facts: Facts, form: Literal["pdf", "png"]) -> bytes:
    made = typst.compile(
        (_PREAMBLE + template).encode(),
        format=form,
        ppi=110,
        ignore_system_fonts=True,
        sys_inputs={"facts": json.dumps(facts, ensure_ascii=False, sort_keys=True)},
    )
    if not isinstance(made, bytes):
        raise TypeError("a document of one file was asked for and several came")
    return made

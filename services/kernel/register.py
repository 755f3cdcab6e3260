"""How a function or table says which rules of domain.md it decides.

    @decides("R-04")
    def belongs_to_patronage(…): …

    TERMS = decides("D-01", "D-02")(…)

Nothing is kept at run time: docs/rules.md is made from these words in the source (tools/rulepages.py), and a test sees
that every rule has its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from services.kernel.rule_book import RULE_BOOK

__all__ = ["decides"]

Decider = TypeVar("Decider")


def decides(*rules: str) -> Callable[[Decider], Decider]:
    """Says that what follows decides these rules; it is handed back as it is. KeyError for a rule that is none."""
    for rule in rules:
        RULE_BOOK[rule]

    def unchanged(decider: Decider) -> Decider:
        return decider

    return unchanged

"""Rules that no explanation names yet, each with its reason; a test holds the list to what is played."""

from __future__ import annotations

UNTRACED = {
    "L-15": "whether a case is withdrawn or terminated: the preview of a termination comes with the care stage",
    "S10": "the next review is a timer of the care workflow; the care stage brings its explanation",
    "S11": "the last chargeable day of a termination: the preview of a termination comes with the care stage",
}

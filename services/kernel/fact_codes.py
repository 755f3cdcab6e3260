"""Closed codes that facts of section 5 are stated in, shared by who takes them in and who finds them."""

from __future__ import annotations

from services.kernel.catalogue import CATALOGUE
from services.kernel.register import decides

__all__ = [
    "CANTEEN_GROUNDS",
    "LISTED_RELATIONS",
    "NAMED_SERVICES",
    "RELATIONS",
    "SIMILAR_SERVICES",
]

SIMILAR_SERVICES = decides("R-16")(
    frozenset({"PERSONAL_ASSISTANCE_MECHANISM", "PERSONAL_ASSISTANT", "ASSISTANT_SUPPORT_OTHER", "HOME_CARE_BENEFIT"})
)
"""What excludes assistant support while it is in use; the care supplement of a pension does not (R-16)."""

NAMED_SERVICES = SIMILAR_SERVICES | {"CARE_SUPPLEMENT"} | {entry.code for entry in CATALOGUE.entries}
"""What may be named as in use: a similar service, or one of the catalogue that is not similar."""

CANTEEN_GROUNDS = decides("R-36")(
    frozenset({"MONTHLY_BENEFIT", "NO_INCOME_NO_RELATIVES", "LONE_MINIMUM_PENSION", "HOMELESS"})
)
"""Any one of these opens the canteen (R-36)."""

LISTED_RELATIONS = decides("R-26")(
    frozenset(
        {
            "MOTHER",
            "FATHER",
            "GRANDMOTHER",
            "GRANDFATHER",
            "GREAT_GRANDMOTHER",
            "GREAT_GRANDFATHER",
            "CHILD",
            "GRANDCHILD",
            "GREAT_GRANDCHILD",
            "SPOUSE",
        }
    )
)
"""What the assistant may be to the user (R-26)."""

RELATIONS = LISTED_RELATIONS | {"SIBLING", "COUSIN", "IN_LAW", "DAUGHTER_IN_LAW", "SON_IN_LAW", "OTHER"}
"""What the assistant may be stated to be; one that is not listed is not enough by itself."""

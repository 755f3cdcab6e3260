"""Why a note was issued, as a message."""

from __future__ import annotations

from services.billing.domain.causes import Cause, NoteCause
from services.billing.rules.corrections import CAUSE_TEXTS
from services.kernel.language import Language
from socialcare.billing.v1 import notes_pb2 as pb

__all__ = ["lineage_to_proto"]


def lineage_to_proto(cause: Cause) -> pb.NoteLineage | None:
    """The fact that a note follows; None when it is not known."""
    if cause.code is NoteCause.UNKNOWN:
        return None
    return pb.NoteLineage(
        cause=f"NOTE_CAUSE_{cause.code.name}",
        fact_id=cause.fact_id,
        text_bg=CAUSE_TEXTS[Language.BG][cause.code],
        text_en=CAUSE_TEXTS[Language.EN][cause.code],
    )

"""The way of a case from stage to stage: waiting, moving on, standing still after a refusal, ending."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from temporalio import workflow

from services.kernel.codes import CaseState, Event
from workflows.calls import Refused
from workflows.case.case import Case, CaseStage, Ended, Move, Signed

__all__ = ["RunTooLong", "go"]


class RunTooLong(Exception):
    """The history has grown long; the next run goes on from `stage`. Raised only while everything is handled."""

    def __init__(self, stage: CaseStage) -> None:
        super().__init__()
        self.stage = stage


async def go(case: Case, stage: CaseStage) -> tuple[CaseStage, Ended | Signed]:
    """Lead the case until it ends or is signed, and answer the last stage; RunTooLong when it should go on anew.

    A refused step does not end a case: it stays where it is, says why, and asks the owners again when something
    happens. A lost race is such a refusal too (the applicant withdrew a moment before): the message is on its way.
    """
    step: Callable[[], Awaitable[Move]] = stage.enter
    while True:
        refusal = ""
        try:
            move = await step()
        except Refused as refused:
            move, refusal = None, refused.reason
        if isinstance(move, Ended | Signed):
            return stage, move
        if move is not None:
            stage, step = move, move.enter
            continue
        if refusal:
            news = await case.next_news_after_refusal(stage.waiting, refusal)
            step = stage.enter
        else:
            if workflow.info().is_continue_as_new_suggested():
                raise RunTooLong(stage)
            coming = await case.next_news(stage.waiting, stage.next_due)
            if coming is None:
                step = stage.due
                continue
            news = coming
            step = partial(stage.happened, news)
        if news.event is Event.WITHDRAWN:
            with contextlib.suppress(Refused):
                await stage.leave("WITHDRAWN_BY_APPLICANT")
            return stage, Ended(CaseState.WITHDRAWN)

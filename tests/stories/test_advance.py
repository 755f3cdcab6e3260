"""A live case and its municipality move on; the demonstration shows three ways in."""

from __future__ import annotations

import io
import uuid
from datetime import date, datetime

import pytest
from rich.console import Console

from cli.advance import AdvanceRefused, advance
from cli.demonstration import play_and_show
from cli.local.stack import LocalStack
from cli.stories.session import connected, play_all, read_stories
from cli.story_commands import DEMO_STORIES_PLAYED
from services.kernel.codes import Role, case_workflow_id
from services.kernel.dates import SOFIA
from services.runtime.civil import date_to_proto
from socialcare.placement.v1 import placement_service_pb2 as placement
from tests.stories.test_stories import STORIES

pytestmark = pytest.mark.stack

LAST_DAY = date(2026, 4, 30)


def narrow() -> Console:
    return Console(file=io.StringIO(), width=80, force_terminal=False)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture(scope="module")
async def shown(stack: LocalStack) -> str:
    console = narrow()
    assert await play_and_show(STORIES, DEMO_STORIES_PLAYED, stack.state, console, stack.state.logs.parent)
    return printed(console)


async def test_the_demonstration_shows_way_invoice_and_why_there_is_none(shown: str) -> None:
    assert shown.count("The way of case") == len(DEMO_STORIES_PLAYED)
    assert "142.16 EUR" in shown
    assert "No invoice: free of charge by F-10" in shown
    assert "socialcare advance " in shown


async def test_nothing_of_the_demonstration_is_wider_than_the_terminal_but_what_is_to_be_copied(shown: str) -> None:
    wide = [line for line in shown.splitlines() if len(line) > 80]
    assert all("://" in line or line.startswith(".venv/bin/") for line in wide)


async def test_a_live_case_moves_on_with_its_bills_until_it_ends(stack: LocalStack) -> None:
    (verdict,) = await play_all(read_stories(STORIES, ["HSP-01"]), stack.state, Console(quiet=True))
    application_id = verdict.cases["main"]
    console = narrow()
    await advance(stack.state.logs.parent, application_id, 1, console)
    assert f"Nothing new in case {application_id}." in printed(console)

    async with connected(stack.state) as (gateway, _):
        await gateway.call(
            gateway.placement.Terminate,
            placement.TerminateRequest(
                request_id=str(uuid.uuid4()),
                application_id=application_id,
                last_date=date_to_proto(LAST_DAY),
                ground="REQUEST",
            ),
            placement.TerminateResponse,
            role=Role.OFFICE_HEAD,
            at=datetime(2026, 4, 2, 9, 30, tzinfo=SOFIA),
        )
    console = narrow()
    await advance(stack.state.logs.parent, case_workflow_id(application_id), 20, console)
    told = printed(console)
    assert "Fri 01.05.2026 00:00 │ TERMINATED" in told
    assert "Month 2026-04: billed." in told
    assert "│ 2026-04 │ 199.02 EUR │" in told
    assert "the case has ended" in told
    with pytest.raises(AdvanceRefused, match="TERMINATED"):
        await advance(stack.state.logs.parent, application_id, 1, console)


async def test_an_unknown_case_is_refused(stack: LocalStack) -> None:
    with pytest.raises(AdvanceRefused, match="NOT_FOUND"):
        await advance(stack.state.logs.parent, str(uuid.uuid4()), 1, narrow())

"""The stack whose processes tests kill, started once: whoever died in a test is back in the next."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cli.local.stack import LocalStack
from drill.ground import Ground, open_ground


@pytest.fixture(scope="session")
async def ground() -> AsyncIterator[Ground]:
    """A stack, as durable as in production, on which every test has a town of its own."""
    async with open_ground() as opened:
        yield opened


@pytest.fixture(scope="session")
def mortal_stack(ground: Ground) -> LocalStack:
    """The same for a test that has a way in of its own."""
    return ground.stack

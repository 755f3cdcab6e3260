"""What the pages tell people to type works as they say."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import sys
from pathlib import Path

import pytest
from temporalio.client import Client

from cli.local.stack import LocalStack
from services.kernel.codes import Stage
from tests.stories.console import Command, commands_of, shows

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/integrators.md", "docs/operators.md", "docs/sres.md", "docs/contributors.md")
QUERY = re.compile(r"^\|[^|]*\| `(.*)` \|$", re.MULTILINE)

pytestmark = pytest.mark.stack


def environment_of(stack: LocalStack) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SOCIALCARE_")}
    return {
        **ours,
        "PATH": f"{Path(sys.executable).parent}:{ours['PATH']}",
        "SOCIALCARE_STATE": str(stack.keys.directory.parent),
        "INTAKE": stack.state.services[Stage.INTAKE],
        "TEMPORAL_ADDRESS": stack.state.temporal_address,
    }


async def printed_by(commands: list[Command], environment: dict[str, str]) -> list[tuple[int, str]]:
    """Exit status and output of each, typed one after the other into one shell."""
    mark = secrets.token_hex(8)
    script = "".join(f"{command.text}\nprintf '\\n{mark} %s\\n' $?\n" for command in commands)
    shell = await asyncio.create_subprocess_exec(
        "bash",
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await shell.communicate(script.encode())
    parts = re.split(rf"\n{mark} (\d+)\n", output.decode())
    return [(int(status), text) for text, status in zip(parts[::2], parts[1::2], strict=False)]


@pytest.mark.parametrize("page", PAGES)
async def test_every_command_of_the_page_prints_what_the_page_says(page: str, stack: LocalStack) -> None:
    commands = commands_of((ROOT / page).read_text(encoding="utf-8"))
    results = await printed_by(commands, environment_of(stack))
    assert len(results) == len(commands)
    wrong = [
        f"$ {command.text}\n(status {status})\n{printed}"
        for command, (status, printed) in zip(commands, results, strict=True)
        if (status != 0) != command.is_refused or not shows(printed, command.output)
    ]
    assert commands
    assert wrong == []


async def test_temporal_understands_every_saved_query(stack: LocalStack) -> None:
    page = (ROOT / "docs/operators.md").read_text(encoding="utf-8")
    queries = QUERY.findall(page.partition("## Saved queries")[2].partition("\n## ")[0])
    client = await Client.connect(stack.state.temporal_address, namespace=stack.state.temporal_namespace)
    counts = [(await client.count_workflows(query)).count for query in queries]
    assert len(counts) >= 10
    assert all(count >= 0 for count in counts)

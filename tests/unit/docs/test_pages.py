"""The pages agree with the code and with each other."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from cli.main import app
from services.kernel.codes import Stage
from services.runtime.errors import DomainError
from services.runtime.settings import Settings
from services.runtime.status import code_of
from socialcare.common.v1 import errors_pb2
from tests.stories.console import commands_of, shows
from tools.gendocs import PAGES, parts_of, renewed
from workflows.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[3]
WRITTEN = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    if path.name != "domain.md"
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"(?:^|`)make (?!sure)([a-z-]+)\b", re.MULTILINE)
COMMAND = re.compile(r"(?:^\$ |`|\(|/)socialcare ([a-z][a-z-]*)", re.MULTILINE)
ADDRESS_OF_A_PATH = re.compile(r"`((?:services|workflows|cli|tests|tools|protos|docs|bench)/[\w./-]*)`")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def anchors_of(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text_of(page)), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_the_generated_parts_are_what_the_code_says(page: str) -> None:
    assert renewed(page, text_of(page)) == text_of(page), "`make docs` writes them"


@pytest.mark.parametrize("page", PAGES)
def test_the_page_has_every_part_that_is_made_for_it(page: str) -> None:
    assert parts_of(text_of(page)).keys() == PAGES[page].keys()


@pytest.mark.parametrize("page", WRITTEN)
def test_every_link_leads_somewhere(page: str) -> None:
    dead = []
    for target in LINK.findall(FENCED.sub("", text_of(page))):
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        to = (ROOT / page).parent / file if file else ROOT / page
        if not to.exists() or (anchor and anchor not in anchors_of(to.relative_to(ROOT).as_posix())):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("page", WRITTEN)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    named = ADDRESS_OF_A_PATH.findall(text_of(page))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", WRITTEN)
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(MAKE.findall(text_of(page))) - targets == set()


@pytest.mark.parametrize("page", WRITTEN)
def test_every_command_that_a_page_names_exists(page: str) -> None:
    group = typer.main.get_command(app)
    assert set(COMMAND.findall(text_of(page))) - set(group.commands) == set()  # type: ignore[attr-defined]


def test_every_command_is_described_for_its_readers() -> None:
    group = typer.main.get_command(app)
    written = "".join(map(text_of, WRITTEN))
    assert [name for name in group.commands if f"socialcare {name}" not in written] == []  # type: ignore[attr-defined]


def test_every_setting_is_documented() -> None:
    page = text_of("docs/sres.md")
    names = {f"SOCIALCARE_{name.upper()}" for of in (Settings, WorkerSettings) for name in of.model_fields}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_every_reason_is_documented_with_a_status() -> None:
    page = text_of("docs/integrators.md")
    names = [name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()]  # noqa: SIM118  # no mapping
    assert [name for name in names[1:] if not re.search(rf"^\| `{name}` \| `[A-Z_]+` \|", page, re.MULTILINE)] == []


def every_refusal(branch: type[DomainError] = DomainError) -> list[type[DomainError]]:
    return [branch, *(each for below in branch.__subclasses__() for each in every_refusal(below))]


def test_the_documented_statuses_are_those_that_are_sent() -> None:
    for stage in Stage:
        importlib.import_module(f"services.{stage.package}.errors")
    documented = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", text_of("docs/integrators.md"), re.MULTILINE))
    sent = {
        refusal.reason: code_of(refusal.__new__(refusal)).name
        for refusal in every_refusal()
        if refusal is not DomainError and refusal.__module__.startswith("services.")
    }
    assert {reason: status for reason, status in sent.items() if documented[reason] != status} == {}


def test_every_decision_is_in_the_list() -> None:
    listed = text_of("docs/adr/README.md")
    records = sorted(path.name for path in (ROOT / "docs/adr").glob("0*.md"))
    assert len(records) >= 8
    assert [name for name in records if f"({name})" not in listed] == []


def test_a_console_block_is_read_as_a_person_reads_it() -> None:
    page = "```console\n$ one\n> more\nprinted …\n$ two\nERROR:\n```\n```sh\n$ not run\n```\n"
    one, two = commands_of(page)
    assert (one.text, one.output, one.is_refused) == ("one\nmore", ["printed …"], False)
    assert (two.text, two.is_refused) == ("two", True)
    assert shows("before\nprinted this\nafter", one.output)
    assert not shows("printing", one.output)


def test_the_tool_says_that_nothing_changed() -> None:
    done = subprocess.run(
        [sys.executable, "tools/gendocs.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "nothing to renew\n")

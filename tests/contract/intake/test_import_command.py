"""The sender of `socialcare import` against the running service."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cli.gateway import Endpoints, Gateway
from cli.imports.files import read_lines, write_rejected
from cli.imports.sending import AlreadyBegun, Import, Told, send
from services.kernel.codes import Stage
from services.runtime.auth import mint_token

pytestmark = pytest.mark.postgres

EXAMPLE = Path(__file__).parents[3] / "docs/examples/applications.csv"
AT = dt.datetime(2026, 1, 19, 10, 15, tzinfo=dt.UTC)
WEIGHTS = (2, 4, 8, 5, 10, 9, 7, 3, 6)


def identifier(serial: int) -> str:
    digits = f"450312{serial:03d}"
    return digits + str(sum(int(one) * weight for one, weight in zip(digits, WEIGHTS, strict=True)) % 11 % 10)


def row(key: str, serial: int, **changes: Any) -> dict[str, Any]:
    return {
        "row_key": key,
        "given_name": "Ана",
        "father_name": "Петрова",
        "family_name": "Примерна",
        "identifier_type": "EGN",
        "identifier": identifier(serial),
        "birth_date": "1945-03-12",
        "sex": "FEMALE",
        "district_code": "NADEZHDA",
        "address": "ул. 1",
        "service_code": "HSP",
        "document_codes": ["APPLICATION_FORM"],
    } | changes


@pytest.fixture
async def gateway(counter: Any) -> AsyncIterator[Gateway]:
    def token(role: Any) -> str:
        return mint_token(counter.key, subject="importer", roles=frozenset({role}))

    made = Gateway(Endpoints({Stage.INTAKE: f"127.0.0.1:{counter.server.port}"}, "", "", "", token))
    await counter.set_up()
    yield made
    await made.close()


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: dict[str, Any]) -> Path:
        file = tmp_path / "january.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return file

    return write


def silent(told: Told) -> None:
    """Nobody looks."""


def wanted(**more: Any) -> Import:
    return Import(**{"municipality_id": "SOFIA", "import_id": "january", "at": AT, "part_rows": 2} | more)


async def test_the_documented_example_is_imported(gateway: Gateway, counter: Any) -> None:
    told = await send(read_lines(EXAMPLE), wanted(), gateway, silent)

    assert told.opened == {"REGISTERED": 2, "DOCS_PENDING": 1}
    assert told.rejected == []
    assert (await counter.counts())[:3] == (3, 3, 3)


async def test_progress_is_told_after_every_part(gateway: Gateway, written: Callable[..., Path]) -> None:
    seen: list[int] = []
    rows = [row(str(serial), serial) for serial in range(911, 921, 2)]

    await send(read_lines(written(*rows)), wanted(), gateway, lambda told: seen.append(told.done))

    assert seen == [0, 2, 4, 5]


async def test_a_dry_run_finds_what_the_import_rejects_and_stores_nothing(
    gateway: Gateway, counter: Any, written: Callable[..., Path]
) -> None:
    rows = [row(str(serial), serial) for serial in range(911, 921, 2)]
    again = row("again", 911, identifier=f"{identifier(911)[:6]}-{identifier(911)[6:]}")
    lines = read_lines(written(*rows, again, row("bad", 921, service_code="NO_SUCH_SERVICE"), {"row_key": "?"}))
    before = await counter.counts()

    dry = await send(lines, wanted(dry_run=True), gateway, silent)

    assert await counter.counts() == before
    real = await send(lines, wanted(), gateway, silent)
    reasons = {line.source["row_key"]: why.reason for line, why in real.rejected}
    assert reasons == {"again": "DUPLICATE_CASE", "bad": "UNKNOWN_SERVICE", "?": "INVALID_FIELD"}
    assert {line.source["row_key"]: why.reason for line, why in dry.rejected} == reasons
    assert dry.opened == real.opened == {"DOCS_PENDING": 5}


async def test_an_import_that_broke_off_goes_on_when_told_to(
    gateway: Gateway, counter: Any, written: Callable[..., Path]
) -> None:
    lines = read_lines(written(*(row(str(serial), serial) for serial in range(911, 931, 2))))

    class BrokenOff(Exception):
        """The client died."""

    def break_off(told: Told) -> None:
        if told.done == 4:
            raise BrokenOff

    with pytest.raises(BrokenOff):
        await send(lines, wanted(), gateway, break_off)
    assert (await counter.counts())[1] == 4
    with pytest.raises(AlreadyBegun, match="4 rows"):
        await send(lines, wanted(), gateway, silent)

    told = await send(lines, wanted(resume=True), gateway, silent)

    assert (told.before, told.opened.total(), told.rejected) == (4, 6, [])
    assert (await counter.counts())[:3] == (10, 10, 10)


async def test_rejected_rows_are_mended_and_imported_under_the_same_name(
    gateway: Gateway, counter: Any, written: Callable[..., Path], tmp_path: Path
) -> None:
    first = await send(
        read_lines(written(row("1", 911), row("2", 913, district_code="ATLANTIS"))), wanted(), gateway, silent
    )
    report = tmp_path / "rejected.jsonl"
    write_rejected(report, report, first.rejected)
    report.write_text(report.read_text(encoding="utf-8").replace("ATLANTIS", "LYULIN"), encoding="utf-8")

    second = await send(read_lines(report), wanted(resume=True), gateway, silent)

    assert second.opened.total() == 1
    assert (await counter.counts())[:3] == (2, 2, 2)

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.imports.files import FileUnreadable, Line, Rejection, read_lines, write_rejected
from cli.imports.rows import DeclaredFacts
from services.runtime.admission import check_shape
from socialcare.common.v1 import facts_pb2
from socialcare.intake.v1.imports_pb2 import ImportApplicationsRequest, ImportRow, ImportRowError

EXAMPLE = Path(__file__).parents[3] / "docs/examples/applications.csv"
PERSON = {
    "row_key": "1",
    "given_name": "Ана",
    "father_name": "Петрова",
    "family_name": "Примерна",
    "identifier_type": "EGN",
    "identifier": "4503129614",
    "birth_date": "1945-03-12",
    "sex": "FEMALE",
    "district_code": "NADEZHDA",
    "address": "ул. 1",
    "service_code": "HSP",
    "document_codes": ["APPLICATION_FORM"],
}
FACTS = {
    "decision": {"percent": 92, "care_by_another": True, "issued_date": "2025-01-02", "lifetime": True},
    "unable_self_care": "UNKNOWN",
    "similar_services": [],
    "canteen_grounds": ["HOMELESS"],
    "assistant": {"birth_date": "1985-01-02", "sex": "FEMALE", "relation": "CHILD", "same_settlement": True},
    "family_income": "300.50",
    "user_funds": False,
    "vulnerable": True,
}


def lines_of(directory: Path, *rows: object, name: str = "a.jsonl") -> list[Line]:
    file = directory / name
    file.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return read_lines(file)


def sent(line: Line) -> ImportRow:
    assert isinstance(line.asked, ImportRow)
    return line.asked


def rejected(line: Line) -> Rejection:
    assert isinstance(line.asked, Rejection)
    return line.asked


def test_the_example_has_the_shape_of_the_contract() -> None:
    rows = [sent(line) for line in read_lines(EXAMPLE)]

    check_shape(
        ImportApplicationsRequest(
            request_id="5f0c2a58-6d7e-4f0e-9d0a-1c7a3f2b9e01", municipality_id="TOWN", import_id="a", rows=rows
        )
    )
    assert [row.row_key for row in rows] == ["2026-0001", "2026-0002", "2026-0003"]
    assert rows[1].facts.decision.percent == 75
    assert rows[1].received_time.ToJsonString() == "2026-01-15T07:30:00Z"
    assert not rows[0].facts.HasField("decision")


def test_every_fact_of_the_contract_can_be_declared(tmp_path: Path) -> None:
    (line,) = lines_of(tmp_path, PERSON | {"facts": FACTS})

    facts = sent(line).facts
    assert facts.decision.lifetime
    assert facts.assistant.same_settlement
    assert facts.family_income.nanos == 500_000_000
    assert facts.HasField("similar_services")
    assert list(facts.canteen_grounds.codes) == ["HOMELESS"]
    assert facts.HasField("user_funds")
    assert facts.vulnerable
    assert not facts.HasField("living_alone")
    assert set(DeclaredFacts.model_fields) == set(facts_pb2.Facts.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"birth_date": "12.03.1945"}, "birth_date"),
        ({"sex": "F"}, "sex"),
        ({"row_key": ""}, "row_key"),
        ({"address": "a\0b"}, "address"),
        ({"received_time": "2026-01-15T09:30:00"}, "received_time"),
        ({"surprise": 1}, "surprise"),
        ({"facts": {"family_income": 300.5}}, "facts.family_income"),
        ({"facts": {"decision": {"percent": "many"}}}, "facts.decision.percent"),
    ],
)
def test_a_row_that_has_not_the_shape_is_rejected_by_column_and_never_by_value(
    tmp_path: Path, change: dict[str, object], field: str
) -> None:
    (line,) = lines_of(tmp_path, PERSON | change)

    why = rejected(line)
    assert why.reason == "INVALID_FIELD"
    assert field in why.fields
    assert not any(str(value) in why.message for value in change.values() if value)


def test_a_line_that_is_no_object_and_a_key_that_came_before_are_rejected_alone(tmp_path: Path) -> None:
    first, broken, again = lines_of(tmp_path, PERSON, '{"row_key": ', PERSON | {"identifier": "4503129635"})

    assert sent(first).row_key == "1"
    assert rejected(broken).fields == ("row",)
    assert rejected(again).fields == ("row_key",)


@pytest.mark.parametrize(
    ("name", "text"), [("a.txt", ""), ("a.csv", "row_key,colour\n1,red\n"), ("a.csv", 'row_key\n"1'), ("b.csv", None)]
)
def test_a_file_that_is_none_of_applications_is_refused_as_a_whole(tmp_path: Path, name: str, text: str | None) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text, encoding="utf-8")

    with pytest.raises(FileUnreadable):
        read_lines(file)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_rejected_rows_are_mended_in_the_report_and_read_again(tmp_path: Path, name: str) -> None:
    source = EXAMPLE if name == "a.csv" else tmp_path / name
    if name == "a.jsonl":
        lines_of(tmp_path, PERSON | {"facts": FACTS}, PERSON | {"row_key": "2"})
    lines = read_lines(source)
    why = Rejection.of(ImportRowError(reason="INVALID_IDENTIFIER", fields=["person.identifier"], article="R-01"))
    report = tmp_path / f"report{source.suffix}"

    write_rejected(report, source, [(lines[1], why)])

    (read,) = read_lines(report)
    assert read.asked == lines[1].asked
    assert read.source["error_reason"] == "INVALID_IDENTIFIER"
    assert read.source["error_fields"] == "identifier"
    assert report.stat().st_mode & 0o077 == 0

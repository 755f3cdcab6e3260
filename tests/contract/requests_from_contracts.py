"""Requests that keep the field rules of a contract, made from nothing but the contract and ids that exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast
from uuid import uuid4

import protovalidate
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

__all__ = ["request_for"]

TEXTS = (
    "LYULIN",
    "2026-03",
    "PENSION",
    "bg",
    "08:00",
    "a",
    "0.1",
    "2026-03-04",
    "a" * 64,
    "8501011234",
    "BG80BNBG96611020345678",
    "",
)
BYTES = b"%PDF-1.7"
NUMBERS = (1, 30, 2026)
WELL_KNOWN: Mapping[str, Mapping[str, int | str]] = {
    "google.type.Date": {"year": 2026, "month": 3, "day": 4},
    "google.type.Money": {"currency_code": "EUR", "units": 10},
    "socialcare.common.v1.YearMonth": {"year": 2026, "month": 3},
    "google.protobuf.Timestamp": {"seconds": 1_772_600_000},
    "google.protobuf.Duration": {"seconds": 60},
}


def request_for(kind: type[Message], known: Mapping[str, str]) -> Message:
    """A request with all its fields, of several alternatives the first; a text carries the id known by its name."""
    made = _filled(kind, known)
    for name in ("page_token", "etag", "validate_only"):
        if name in kind.DESCRIPTOR.fields_by_name:
            made.ClearField(name)
    if "request_id" in kind.DESCRIPTOR.fields_by_name:
        setattr(made, "request_id", str(uuid4()))  # noqa: B010 the field of no type that mypy knows
    return made


def _filled(kind: type[Message], known: Mapping[str, str]) -> Message:
    fixed = WELL_KNOWN.get(kind.DESCRIPTOR.full_name)
    if fixed is not None:
        return kind(**fixed)
    made = kind()
    taken: set[str] = set()
    for field in kind.DESCRIPTOR.fields:
        alternatives = field.containing_oneof
        if alternatives is not None and alternatives.name in taken:
            continue
        if alternatives is not None:
            taken.add(alternatives.name)
        if field.message_type is None or not field.message_type.GetOptions().map_entry:
            _put(made, cast("FieldDescriptor", field), known)
    return made


def _put(made: Message, field: FieldDescriptor, known: Mapping[str, str]) -> None:
    for value in _candidates(field, known):
        made.ClearField(field.name)
        if field.is_repeated:
            getattr(made, field.name).append(value)
            if field.name in _broken(made):
                getattr(made, field.name).append(value)
        elif isinstance(value, Message):
            getattr(made, field.name).CopyFrom(value)
        else:
            setattr(made, field.name, value)
        if field.name not in _broken(made):
            return


def _broken(made: Message) -> set[str]:
    """Fields of the message that break a rule."""
    return {
        violation.proto.field.elements[0].field_name
        for violation in protovalidate.collect_violations(made)
        if violation.proto.field is not None and violation.proto.field.elements
    }


def _candidates(field: FieldDescriptor, known: Mapping[str, str]) -> Iterator[Any]:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_MESSAGE:
            yield _filled(GetMessageClass(cast("Descriptor", field.message_type)), known)
        case FieldDescriptor.CPPTYPE_ENUM:
            yield from (value.number for value in cast("EnumDescriptor", field.enum_type).values if value.number)
        case FieldDescriptor.CPPTYPE_BOOL:
            yield False
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            yield BYTES
        case FieldDescriptor.CPPTYPE_STRING:
            yield from (known[name] for name in (field.name, field.name.removesuffix("s")) if name in known)
            yield str(uuid4())
            yield from TEXTS
        case _:
            yield from NUMBERS

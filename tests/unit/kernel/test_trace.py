"""Recorders of an explanation."""

from __future__ import annotations

from services.kernel.trace import NO_TRACE, Recorder, Step, TraceBuilder

STEP = Step("F-05", {"base": "356.40"}, "213.84", "provider", "60 %", "60 %")


def _rule(trace: Recorder) -> None:
    trace.add(STEP)


def test_a_builder_keeps_the_steps_in_order() -> None:
    trace = TraceBuilder()
    _rule(trace)
    trace.extend((STEP, STEP))
    assert trace.recording
    assert trace.build() == (STEP, STEP, STEP)


def test_bulk_work_records_nothing() -> None:
    _rule(NO_TRACE)
    assert not NO_TRACE.recording

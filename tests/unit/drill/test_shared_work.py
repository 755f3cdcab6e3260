"""The order drill has shown something only when replicas shared the work."""

from __future__ import annotations

from drill.order_drill import alone
from services.kernel.codes import Stage


def test_a_busy_stage_with_one_replica_at_work_is_named() -> None:
    relayed = {Stage.INTAKE: [90.0, 0.0, 0.0], Stage.ASSESSMENT: [20.0, 30.0, 0.0]}
    assert alone(relayed) == ["one replica of intake delivered everything"]


def test_few_messages_may_all_be_taken_by_one_replica() -> None:
    assert alone({Stage.INTAKE: [12.0, 0.0, 0.0], Stage.ASSESSMENT: [20.0, 30.0, 0.0]}) == []


def test_somewhere_two_replicas_must_have_been_at_work() -> None:
    assert alone({Stage.INTAKE: [12.0, 0.0], Stage.BILLING: [0.0, 0.0]}) == [
        "no stage had its messages delivered by two replicas"
    ]

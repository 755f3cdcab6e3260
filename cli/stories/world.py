"""What a story in play knows: its municipality, its cases, and how to call the services without losing anything."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.protobuf.message import Message

from cli.gateway import Gateway
from cli.stories.format import Story
from services.kernel.codes import Role

Answer = TypeVar("Answer", bound=Message)


class NoSuchCase(Exception):
    """The story speaks of a case that was refused at the counter."""


@dataclass(slots=True)
class World:
    """One story in one municipality of its own."""

    story: Story
    gateway: Gateway
    municipality_id: str
    cases: dict[str, str] = field(default_factory=dict)
    step: int = 0

    def application_id(self, case: str) -> str:
        """The application of a case label.

        Raises:
            NoSuchCase: no application was accepted under that label.
        """
        if case not in self.cases:
            raise NoSuchCase(case)
        return self.cases[case]

    def request_id(self, purpose: str = "") -> str:
        """Request id of the present step: the same whenever the step is tried again."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.municipality_id}/{self.step}/{purpose}"))

    async def call(
        self, method: Callable[..., Any], request: Message, answer: type[Answer], *, role: Role, at: dt.datetime
    ) -> Answer:
        """Call a service, again and again while it is away; the request id makes that safe.

        Raises:
            Refusal: the service said no, or stayed away too long.
        """
        return await self.gateway.patient_call(method, request, answer, role=role, at=at)

"""What the contracts promise of every method and every reason, held against the code without a running system."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import grpc
import pytest
import structlog
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

import services
from cli.local.ports import free_port
from services.kernel.codes import Role, Stage
from services.runtime.admission import methods_of
from services.runtime.auth import mint_token, write_signing_key
from services.runtime.crypto import write_key_ring
from services.runtime.errors import DomainError
from services.runtime.history_api import HISTORY_SERVICE
from services.runtime.outbox_api import OUTBOX_SERVICE
from services.runtime.server import Runtime, Server, StageService
from services.runtime.settings import Settings
from services.runtime.status import code_of
from services.runtime.telemetry import Telemetry
from socialcare.common.v1 import errors_pb2
from tests.contract.asking import refusal_of, service_of

ROOT = Path(__file__).parents[2]
SERVICES = (*map(service_of, Stage), OUTBOX_SERVICE, HISTORY_SERVICE)
WORDS_OF_THE_SERVICES = {
    word
    for path in (ROOT / "services").rglob("*.py")
    if path.name != "errors.py"
    for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))
}
DOCUMENTED = re.compile(r"^  // ([A-Z_]+): [^\n]*\n(?:  //[^\n]*\n)*  ERROR_REASON_(\w+) = \d+;", re.MULTILINE)

NEVER_RAISED = {"UNSPECIFIED": "the zero of the enum, which no refusal has"}
"""Reasons of the contract that no class of this version has, each with why."""


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(services.__path__, "services."):
        if not found.name.endswith("__main__") and ".migrations" not in found.name:
            yield importlib.import_module(found.name)


def every_refusal() -> list[type[DomainError]]:
    assert len(list(modules())) > 50

    def below(branch: type[DomainError]) -> Iterator[type[DomainError]]:
        for each in branch.__subclasses__():
            yield each
            yield from below(each)

    return [each for each in dict.fromkeys(below(DomainError)) if each.__module__.startswith("services.")]


REFUSALS = every_refusal()


def named(refusal: type[DomainError]) -> str:
    return f"{refusal.__module__}.{refusal.__name__}"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_method_names_the_roles_that_may_call_it(service: ServiceDescriptor) -> None:
    methods = methods_of(service)
    assert len(methods) == len(service.methods) > 0
    assert {path: method.roles for path, method in methods.items() if not set(method.roles) <= set(Role)} == {}
    assert [path for path, method in methods.items() if not method.roles] == []


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_only_methods_that_can_be_repeated_may_change_anything(service: ServiceDescriptor) -> None:
    reads = (
        "Check",
        "Convert",
        "Count",
        "Explain",
        "Find",
        "Get",
        "List",
        "Preview",
        "Quote",
        "Score",
        "Settle",
        "Trace",
    )
    unrepeatable = [path for path, method in methods_of(service).items() if not method.mutates]
    assert [path for path in unrepeatable if not path.rpartition("/")[2].startswith(reads)] == []


@pytest.mark.parametrize("refusal", REFUSALS, ids=named)
def test_every_refusal_has_a_documented_reason_with_the_status_that_is_sent(refusal: type[DomainError]) -> None:
    contract = (ROOT / "protos/socialcare/common/v1/errors.proto").read_text(encoding="utf-8")
    documented = {reason: status for status, reason in DOCUMENTED.findall(contract)}
    assert code_of(refusal.__new__(refusal)).name == documented[refusal.reason]


@pytest.mark.parametrize("refusal", REFUSALS, ids=named)
def test_every_refusal_speaks_bulgarian_and_english(refusal: type[DomainError]) -> None:
    assert re.search("[а-я]", refusal.text_bg)
    assert not re.search("[а-яА-Я]", refusal.text_en)
    assert set(re.findall(r"{(\w+)}", refusal.text_bg)) == set(re.findall(r"{(\w+)}", refusal.text_en))


@pytest.mark.parametrize("refusal", REFUSALS, ids=named)
def test_every_refusal_is_used(refusal: type[DomainError]) -> None:
    assert refusal.__name__ in WORDS_OF_THE_SERVICES


def test_every_reason_of_the_contract_has_its_refusal_or_says_why_not() -> None:
    reasons = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()}  # noqa: SIM118  # no mapping
    assert reasons - {refusal.reason for refusal in REFUSALS} == NEVER_RAISED.keys()


def unprotected_service() -> ServiceDescriptor:
    """A service whose one method says nothing of roles."""
    file = descriptor_pb2.FileDescriptorProto(name="unprotected.proto", package="unprotected.v1", syntax="proto3")
    file.message_type.add(name="AskRequest")
    method = file.service.add(name="OpenService").method.add(name="Ask")
    method.input_type = method.output_type = ".unprotected.v1.AskRequest"
    pool = descriptor_pool.Default()
    pool.Add(file)  # type: ignore[no-untyped-call]
    return pool.FindServiceByName("unprotected.v1.OpenService")


class Answering:
    """Answers everybody whom the door lets in."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def Ask(self, request: object, context: object) -> object:  # noqa: N802
        return request


async def test_a_method_without_roles_is_refused_to_everybody(tmp_path: Path) -> None:
    key = write_signing_key(tmp_path / "key.pem", tmp_path / "key.pub.pem")
    write_key_ring(tmp_path / "ring.json")
    settings = Settings.model_validate(
        {
            "environment": "test",
            "bind": "127.0.0.1:0",
            "metrics_bind": "127.0.0.1:0",
            "dsn": f"postgresql://nobody:x@127.0.0.1:{free_port()}/none",
            "temporal_address": "127.0.0.1:1",
            "auth_public_key_file": tmp_path / "key.pub.pem",
            "key_ring_file": tmp_path / "ring.json",
        }
    )
    described = unprotected_service()
    message = GetMessageClass(described.methods[0].input_type)
    log = structlog.wrap_logger(None, processors=[structlog.testing.LogCapture()])
    server = Server(StageService(Stage.INTAKE, described, Answering), settings, Telemetry(log))
    await server.start()
    token = mint_token(key, subject="s-1", roles=frozenset(Role))
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            ask = channel.unary_unary(
                f"/{described.full_name}/Ask",
                request_serializer=message.SerializeToString,
                response_deserializer=message.FromString,
            )
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ask(message(), metadata=(("authorization", f"Bearer {token}"),), timeout=10)
    finally:
        await asyncio.wait_for(server.stop(), 30)
    assert (refusal_of(caught.value).code, refusal_of(caught.value).reason) == ("PERMISSION_DENIED", "ROLE_MISSING")

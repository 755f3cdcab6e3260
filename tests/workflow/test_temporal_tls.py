"""Temporal behind TLS that asks for a client certificate: the real server, reached through a TLS front."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError
from temporalio.client import Client

from cli.local.certificates import Authority
from services.runtime.temporal_connection import TemporalConnection

pytestmark = pytest.mark.temporal


@asynccontextmanager
async def tls_front(behind: str, authority: Authority) -> AsyncIterator[str]:
    """The address of a port that speaks TLS and hands everything on."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    shown = authority.issue("temporal.example", authority.file.parent)
    context.load_cert_chain(shown.certificate, shown.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    host, port = behind.rsplit(":", 1)

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pipe(reader, ours), _pipe(theirs, writer))

    server = await asyncio.start_server(hand_on, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(65536):
            target.write(chunk)
            await target.drain()
    except (ConnectionError, ssl.SSLError):
        return
    finally:
        target.close()


async def test_temporal_is_reached_with_a_client_certificate_and_not_without(temporal: Client, tmp_path: Path) -> None:
    authority = Authority.make(tmp_path / "ca.pem")
    ours = authority.issue("socialcare", tmp_path)
    namespace = temporal.namespace
    async with tls_front(temporal.service_client.config.target_host, authority) as address:
        secured = TemporalConnection(
            temporal_address=address,
            temporal_namespace=namespace,
            temporal_tls_ca_file=authority.file,
            temporal_tls_cert_file=ours.certificate,
            temporal_tls_key_file=ours.key,
            temporal_tls_server_name="temporal.example",
        )
        client = await secured.connect_temporal()
        assert await client.service_client.check_health()
        nameless = TemporalConnection(
            temporal_address=address, temporal_namespace=namespace, temporal_tls_ca_file=authority.file
        )
        with pytest.raises(RuntimeError):
            await nameless.connect_temporal()


def test_half_a_configuration_is_refused(tmp_path: Path) -> None:
    ours = Authority.make(tmp_path / "ca.pem").issue("socialcare", tmp_path)
    with pytest.raises(ValidationError, match="TEMPORAL_TLS_CA_FILE"):
        TemporalConnection(temporal_tls_cert_file=ours.certificate, temporal_tls_key_file=ours.key)
    with pytest.raises(ValidationError, match="come together"):
        TemporalConnection(temporal_tls_cert_file=ours.certificate)
    with pytest.raises(ValidationError, match="no file"):
        TemporalConnection(temporal_tls_ca_file=tmp_path / "absent.pem")

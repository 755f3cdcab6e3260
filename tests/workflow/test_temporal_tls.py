"""Temporal behind TLS that asks for a client certificate: the real server, reached through a TLS front."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError
from temporalio.client import Client

from services.runtime.temporal_connection import TemporalConnection

pytestmark = pytest.mark.temporal


class Authority:
    """Signs certificates of the test and leaves them as PEM files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = directory / "ca.pem"
        self.certificate = self._signed("authority", self.key)
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key of a name."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, secret = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        certificate.write_bytes(self._signed(name, key).public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, secret

    def _signed(self, name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        def named(common_name: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])

        alternatives = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=name == "authority", path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )


@asynccontextmanager
async def tls_front(behind: str, authority: Authority) -> AsyncIterator[str]:
    """The address of a port that speaks TLS and hands everything on."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    context.load_cert_chain(*map(str, authority.issue("temporal.example")))
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
    authority = Authority(tmp_path)
    certificate, key = authority.issue("socialcare")
    namespace = temporal.namespace
    async with tls_front(temporal.service_client.config.target_host, authority) as address:
        secured = TemporalConnection(
            temporal_address=address,
            temporal_namespace=namespace,
            temporal_tls_ca_file=authority.file,
            temporal_tls_cert_file=certificate,
            temporal_tls_key_file=key,
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
    certificate, key = Authority(tmp_path).issue("socialcare")
    with pytest.raises(ValidationError, match="TEMPORAL_TLS_CA_FILE"):
        TemporalConnection(temporal_tls_cert_file=certificate, temporal_tls_key_file=key)
    with pytest.raises(ValidationError, match="come together"):
        TemporalConnection(temporal_tls_cert_file=certificate)
    with pytest.raises(ValidationError, match="no file"):
        TemporalConnection(temporal_tls_ca_file=tmp_path / "absent.pem")

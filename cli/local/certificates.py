"""An authority of our own for mutual TLS between the processes of one installation."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cli.local.ports import LOOPBACK
from services.runtime.clock import SystemClock
from services.runtime.tls import TlsFiles

__all__ = ["Authority"]

_LIFETIME = timedelta(days=397)
_SLACK = timedelta(hours=1)
"""Clocks of machines differ a little."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates; its own is a PEM file that everybody gets, its key stays here."""

    file: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, file: Path, name: str = "socialcare authority") -> Self:
        """A new authority, whose certificate is written to `file`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        certificate = (
            _unsigned(subject, subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(file, certificate, key)

    def issue(self, name: str, directory: Path, *further: str) -> TlsFiles:
        """Certificate and key `tls-<name>.pem` and `tls-<name>.key` for the host `name`, further ones and loopback."""
        key = ec.generate_private_key(ec.SECP256R1())
        hosts: list[x509.GeneralName] = [x509.DNSName(host) for host in (name, *further, "localhost")]
        certificate = (
            _unsigned(_name(name), self.certificate.subject, key.public_key())
            .add_extension(
                x509.SubjectAlternativeName([*hosts, x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        files = TlsFiles(
            authority=self.file, certificate=directory / f"tls-{name}.pem", key=directory / f"tls-{name}.key"
        )
        files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        write_key(files.key, key)
        return files


def write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """A private key as PEM, readable by its owner only."""
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _unsigned(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = SystemClock().now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + _LIFETIME)
    )

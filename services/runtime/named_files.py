"""Files that settings name: looked into once at the start, so that a wrong one is a line and no traceback later."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from services.runtime.complaints import StartRefused

__all__ = ["UnusableFile", "is_dsn", "loaded", "read_dsn", "require_certificates", "require_pair", "require_token"]

Loaded = TypeVar("Loaded")

_DSN = re.compile(r"postgres(ql)?(\+[a-z0-9]+)?://\S+")


class UnusableFile(StartRefused):
    """A file that a setting names is absent, unreadable or something else; the message says which and what to set."""


def loaded(setting: str, file: Path, load: Callable[[Path], Loaded], wanted: str) -> Loaded:
    """What `load` makes of the file.

    Args:
        setting: the variable that names the file.
        file: where it is.
        load: raises ValueError, TypeError or UnsupportedAlgorithm for something else than it wants.
        wanted: what belongs there.

    Raises:
        UnusableFile: there is none, it cannot be read, or `load` does not want it.
    """
    try:
        return load(file)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise UnusableFile(f"{setting}: no file {file}; set it to {wanted}") from None
    except OSError as error:
        raise UnusableFile(f"{setting}: cannot read {file}: {error.strerror}; let this process read it") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableFile(f"{setting}: {file} is not {wanted}; set it to one") from None


def is_dsn(text: str) -> bool:
    """Whether it has the form of a connection string of PostgreSQL."""
    return _DSN.fullmatch(text) is not None


def read_dsn(file: Path, setting: str = "SOCIALCARE_DSN_FILE") -> str:
    """The connection string in a file; UnusableFile when there is none."""
    return loaded(setting, file, _dsn, "a file with postgresql://user:password@host:port/database")


def require_token(setting: str, file: Path) -> None:
    """Raise UnusableFile unless the file has an access token; whether it is valid says who is called."""
    loaded(setting, file, _token, "a file with an access token")


def require_certificates(setting: str, file: Path) -> None:
    """Raise UnusableFile unless the file has certificates."""
    loaded(setting, file, _certificates, "a PEM file of certificates")


def require_pair(certificate_setting: str, certificate: Path, key_setting: str, key: Path) -> None:
    """Raise UnusableFile unless the first file has a certificate and the second one its key."""
    chain = loaded(certificate_setting, certificate, _certificates, "a PEM file of certificates")
    private = loaded(key_setting, key, _private_key, "a PEM file of a private key without a password")
    if private.public_key() != chain[0].public_key():
        raise UnusableFile(f"{key_setting}: {key} is not the key of the certificate in {certificate}")


def _dsn(file: Path) -> str:
    text = file.read_text(encoding="utf-8").strip()
    if not is_dsn(text):
        raise ValueError("no connection string")
    return text


def _token(file: Path) -> None:
    if len(file.read_text(encoding="ascii").split()) != 1:
        raise ValueError("not one word")


def _certificates(file: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(file.read_bytes())


def _private_key(file: Path) -> PrivateKeyTypes:
    return serialization.load_pem_private_key(file.read_bytes(), password=None)

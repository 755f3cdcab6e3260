"""Mutual TLS between the processes: whoever calls and whoever answers shows a certificate of one authority."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import grpc
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime.named_files import require_certificates, require_pair

__all__ = ["TlsFiles", "TlsSettings"]


class TlsFiles(BaseModel):
    """PEM files of one process; its certificate serves for answering and for calling."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    authority: Path
    """Certificate of the authority that signed those of all processes."""
    certificate: Path
    """Certificate chain of this process."""
    key: Path
    """Private key of the certificate."""

    def server_credentials(self) -> grpc.ServerCredentials:
        """For a server that hangs up on everybody without a certificate of the authority; OSError for no file."""
        return grpc.ssl_server_credentials(
            [(self.key.read_bytes(), self.certificate.read_bytes())],
            root_certificates=self.authority.read_bytes(),
            require_client_auth=True,
        )

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """For a client that trusts the authority alone and shows its certificate; OSError for no file."""
        return grpc.ssl_channel_credentials(
            root_certificates=self.authority.read_bytes(),
            private_key=self.key.read_bytes(),
            certificate_chain=self.certificate.read_bytes(),
        )


class TlsSettings(BaseSettings):
    """The three files, together or not at all."""

    model_config = SettingsConfigDict(env_prefix="SOCIALCARE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    tls_ca_file: Path | None = None
    """PEM of the authority that signed the certificates of services, worker and clients; absent: plain text."""
    tls_cert_file: Path | None = None
    """PEM of this process's certificate chain, shown to callers and to the services that it calls."""
    tls_key_file: Path | None = None
    """PEM of the key of the certificate."""

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        given = {name: getattr(self, name) for name in ("tls_ca_file", "tls_cert_file", "tls_key_file")}
        if any(given.values()) and not all(given.values()):
            missing = ", ".join(f"SOCIALCARE_{name.upper()}" for name, path in given.items() if path is None)
            raise ValueError(
                f"SOCIALCARE_TLS_CA_FILE, SOCIALCARE_TLS_CERT_FILE and SOCIALCARE_TLS_KEY_FILE come together; "
                f"not set: {missing}"
            )
        files = self.tls
        if files is not None:
            require_certificates("SOCIALCARE_TLS_CA_FILE", files.authority)
            require_pair("SOCIALCARE_TLS_CERT_FILE", files.certificate, "SOCIALCARE_TLS_KEY_FILE", files.key)
        return self

    @property
    def tls(self) -> TlsFiles | None:
        """The files; None for plain text."""
        if self.tls_ca_file is None or self.tls_cert_file is None or self.tls_key_file is None:
            return None
        return TlsFiles(authority=self.tls_ca_file, certificate=self.tls_cert_file, key=self.tls_key_file)

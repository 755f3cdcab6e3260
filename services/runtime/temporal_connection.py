"""Where Temporal is and how it is reached: the same variables for services, worker and one-shot commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime.named_files import require_certificates, require_pair

if TYPE_CHECKING:
    from temporalio.client import Client
    from temporalio.runtime import Runtime
    from temporalio.service import TLSConfig

__all__ = ["NAMESPACE", "TemporalConnection"]

NAMESPACE = "socialcare"
"""Namespace where none is named."""


class TemporalConnection(BaseSettings):
    """Each field is `SOCIALCARE_<NAME>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="SOCIALCARE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    temporal_address: str = "127.0.0.1:7233"
    """host:port of the Temporal frontend."""
    temporal_namespace: str = NAMESPACE
    """Namespace of the workflows; `socialcare register` makes it."""
    temporal_tls_ca_file: Path | None = None
    """Authority that signed Temporal's certificate; absent: plain text to Temporal."""
    temporal_tls_cert_file: Path | None = None
    """PEM of the client certificate that Temporal asks for; needs the authority."""
    temporal_tls_key_file: Path | None = None
    """PEM of the key of the client certificate."""
    temporal_tls_server_name: str = ""
    """Name in Temporal's certificate where it is not the host of the address."""

    @model_validator(mode="after")
    def _check_files(self) -> Self:
        if (self.temporal_tls_cert_file is None) != (self.temporal_tls_key_file is None):
            raise ValueError("SOCIALCARE_TEMPORAL_TLS_CERT_FILE and SOCIALCARE_TEMPORAL_TLS_KEY_FILE come together")
        if self.temporal_tls_ca_file is None and (self.temporal_tls_cert_file or self.temporal_tls_server_name):
            raise ValueError("SOCIALCARE_TEMPORAL_TLS_CA_FILE is missing")
        if self.temporal_tls_ca_file is not None:
            require_certificates("SOCIALCARE_TEMPORAL_TLS_CA_FILE", self.temporal_tls_ca_file)
        if self.temporal_tls_cert_file is not None and self.temporal_tls_key_file is not None:
            require_pair(
                *("SOCIALCARE_TEMPORAL_TLS_CERT_FILE", self.temporal_tls_cert_file),
                *("SOCIALCARE_TEMPORAL_TLS_KEY_FILE", self.temporal_tls_key_file),
            )
        return self

    def temporal_tls(self) -> TLSConfig | None:
        """How the connection is secured, read from the files now; None for plain text."""
        from temporalio.service import TLSConfig  # noqa: PLC0415  # The SDK is slow to import.

        if self.temporal_tls_ca_file is None:
            return None
        return TLSConfig(
            server_root_ca_cert=self.temporal_tls_ca_file.read_bytes(),
            domain=self.temporal_tls_server_name or None,
            client_cert=self.temporal_tls_cert_file.read_bytes() if self.temporal_tls_cert_file else None,
            client_private_key=self.temporal_tls_key_file.read_bytes() if self.temporal_tls_key_file else None,
        )

    async def connect_temporal(self, *, lazy: bool = False, runtime: Runtime | None = None) -> Client:
        """A client; `lazy` connects with the first call. RuntimeError when nobody answers."""
        from temporalio.client import Client  # noqa: PLC0415  # As above.

        return await Client.connect(
            self.temporal_address,
            namespace=self.temporal_namespace,
            tls=self.temporal_tls() or False,
            lazy=lazy,
            runtime=runtime,
        )

"""Settings of one process: read once from the environment, checked, frozen.

Nothing else reads the environment. Secrets have no default and never appear in `str(settings)`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from services.kernel.codes import Stage
from services.runtime.temporal_connection import TemporalConnection

__all__ = ["ClockMode", "Environment", "Settings"]


class Environment(StrEnum):
    """Where the process runs."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class ClockMode(StrEnum):
    """Whose time counts."""

    SYSTEM = "system"
    SIMULATED = "simulated"


class Settings(TemporalConnection):
    """What a service process needs to know; each field is `SOCIALCARE_<NAME>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="SOCIALCARE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    environment: Environment = Environment.PRODUCTION
    """development, test or production; the last refuses simulated time."""
    clock: ClockMode = ClockMode.SYSTEM
    """system, or simulated: then a call carries its business instant."""
    bind: str = Field("127.0.0.1:50051", pattern=r"^.+:\d{1,5}$")
    """Address of the gRPC server; port 0 takes a free one."""
    metrics_bind: str = Field("127.0.0.1:9464", pattern=r"^.+:\d{1,5}$")
    """Address of the HTTP endpoint /metrics; port 0 takes a free one."""
    dsn: SecretStr
    """postgresql://user:password@host:port/database of this stage."""
    pool_size: int = Field(10, ge=2, le=200)
    """Connections to the database for calls, 2 to 200; the relay has eleven more of its own."""
    auth_public_key_file: Path
    """PEM of the Ed25519 key that signs access tokens."""
    token_file: Path | None = None
    """This process's own access token, for calls to the other services; read again when it changes."""
    key_ring_file: Path
    """JSON of the keys that wrap people's data keys."""
    tls_cert_file: Path | None = None
    """PEM of the server's certificate chain; absent: plain text."""
    tls_key_file: Path | None = None
    """PEM of the key of the certificate."""
    tls_ca_file: Path | None = None
    """Authority that signed the peers' certificates."""
    intake_address: str = "127.0.0.1:50051"
    """host:port of intake."""
    assessment_address: str = "127.0.0.1:50052"
    """host:port of assessment."""
    placement_address: str = "127.0.0.1:50053"
    """host:port of placement."""
    delivery_address: str = "127.0.0.1:50054"
    """host:port of delivery."""
    billing_address: str = "127.0.0.1:50055"
    """host:port of billing."""
    notice_spool: Path | None = None
    """Directory that takes a file for each notice to an applicant; absent: notices wait. Intake only."""
    log_level: str = Field("info", pattern=r"^(debug|info|warning|error)$")
    """debug, info, warning or error."""
    drain_seconds: float = Field(20.0, ge=0, le=300)
    """Longest wait for running calls after SIGTERM."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.environment is Environment.PRODUCTION and self.clock is ClockMode.SIMULATED:
            raise ValueError("SOCIALCARE_CLOCK=simulated is refused in production")
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("SOCIALCARE_TLS_CERT_FILE and SOCIALCARE_TLS_KEY_FILE come together")
        for name in ("auth_public_key_file", "key_ring_file", "token_file", "tls_cert_file", "tls_key_file"):
            path = getattr(self, name)
            if path is not None and not path.is_file():
                raise ValueError(f"SOCIALCARE_{name.upper()}: no file {path}")
        if self.notice_spool is not None and not self.notice_spool.is_dir():
            raise ValueError(f"SOCIALCARE_NOTICE_SPOOL: no directory {self.notice_spool}")
        return self

    def address_of(self, stage: Stage) -> str:
        """Address under which the stage's service is reached."""
        return {
            Stage.INTAKE: self.intake_address,
            Stage.ASSESSMENT: self.assessment_address,
            Stage.PLACEMENT: self.placement_address,
            Stage.DELIVERY: self.delivery_address,
            Stage.BILLING: self.billing_address,
        }[stage]

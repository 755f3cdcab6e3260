"""Settings of one process: read once from the environment, checked, frozen.

Nothing else reads the environment. Secrets have no default and never appear in `str(settings)`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from services.kernel.codes import Stage
from services.runtime.development_keys import is_of_local_stack
from services.runtime.named_files import is_dsn, loaded, read_dsn, require_token
from services.runtime.temporal_connection import TemporalConnection
from services.runtime.tls import TlsSettings

__all__ = ["SIMULATED_IN_PRODUCTION", "ClockMode", "Environment", "Settings"]

SIMULATED_IN_PRODUCTION = (
    "SOCIALCARE_CLOCK=simulated is refused where SOCIALCARE_ENVIRONMENT is production, its default: "
    "set SOCIALCARE_CLOCK=system"
)
_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


class Environment(StrEnum):
    """Where the process runs."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class ClockMode(StrEnum):
    """Whose time counts."""

    SYSTEM = "system"
    SIMULATED = "simulated"


class Settings(TlsSettings, TemporalConnection):
    """What a service process needs to know; each field is `SOCIALCARE_<NAME>` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="SOCIALCARE_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    environment: Environment = Environment.PRODUCTION
    """development, test or production; the last refuses simulated time."""
    clock: ClockMode = ClockMode.SYSTEM
    """system, or simulated: then a call carries its business instant."""
    bind: str = Field("127.0.0.1:50051", pattern=r"^.+:\d{1,5}$")
    """Address of the gRPC server; port 0 takes a free one."""
    metrics_bind: str = Field("127.0.0.1:9464", pattern=r"^.+:\d{1,5}$")
    """Address of the HTTP endpoint /metrics; port 0 takes a free one."""
    dsn: SecretStr
    """postgresql://user:password@host:port/database of this stage; SOCIALCARE_DSN_FILE may name a file with it."""
    dsn_file: Path | None = None
    """File that holds the connection string; a trailing line break does not count."""
    pool_size: int = Field(10, ge=2, le=200)
    """Connections to the database for calls, 2 to 200; the relay has eleven more of its own."""
    auth_public_key_file: Path
    """PEM of the Ed25519 public key of the issuer of access tokens."""
    token_file: Path | None = None
    """This process's own access token, for calls to the other services; read again when it changes."""
    key_ring_file: Path
    """JSON of the keys that wrap people's data keys."""
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
    """Directory that takes a file for each notice and letter to people; absent: they wait. Intake and billing."""
    log_level: str = Field("info", pattern=r"^(debug|info|warning|error)$")
    """debug, info, warning or error."""
    drain_seconds: float = Field(20.0, ge=0, le=300)
    """Longest wait for running calls after SIGTERM."""

    @model_validator(mode="before")
    @classmethod
    def _read_dsn(cls, values: Any) -> Any:  # noqa: ANN401 pydantic's signature
        if isinstance(values, dict) and not values.get("dsn") and values.get("dsn_file"):
            return {**values, "dsn": read_dsn(Path(values["dsn_file"]))}
        return values

    @field_validator("dsn")
    @classmethod
    def _is_a_dsn(cls, dsn: SecretStr) -> SecretStr:
        if not is_dsn(dsn.get_secret_value()):
            raise ValueError("no connection string")
        return dsn

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.environment is Environment.PRODUCTION and self.clock is ClockMode.SIMULATED:
            raise ValueError(SIMULATED_IN_PRODUCTION)
        self._look_into_files()
        if self.notice_spool is not None and not self.notice_spool.is_dir():
            raise ValueError(f"SOCIALCARE_NOTICE_SPOOL: no directory {self.notice_spool}")
        self._refuse_keys_of_a_local_stack()
        return self

    def _look_into_files(self) -> None:
        from services.runtime.auth import load_public_key  # noqa: PLC0415  # Commands that need no keys start faster.
        from services.runtime.crypto import KeyRing  # noqa: PLC0415  # As above.

        issuer, ring = "a PEM file of the Ed25519 public key of your token issuer", "a key ring (docs/sres.md, Files)"
        loaded("SOCIALCARE_AUTH_PUBLIC_KEY_FILE", self.auth_public_key_file, load_public_key, issuer)
        loaded("SOCIALCARE_KEY_RING_FILE", self.key_ring_file, KeyRing.load, ring)
        if self.token_file is not None:
            require_token("SOCIALCARE_TOKEN_FILE", self.token_file)

    def _refuse_keys_of_a_local_stack(self) -> None:
        is_local = self.environment is Environment.DEVELOPMENT and self.bind.rpartition(":")[0] in _LOOPBACK
        wanted = {
            "auth_public_key_file": "the public key of your token issuer",
            "key_ring_file": "a key ring of this installation (docs/sres.md, Files)",
        }
        for name, instead in wanted.items():
            if not is_local and is_of_local_stack(getattr(self, name)):
                raise ValueError(
                    f"SOCIALCARE_{name.upper()} names a development key of a local stack, which is refused unless "
                    f"SOCIALCARE_ENVIRONMENT is development and SOCIALCARE_BIND a loopback address; set it to {instead}"
                )

    def address_of(self, stage: Stage) -> str:
        """Address under which the stage's service is reached."""
        return {
            Stage.INTAKE: self.intake_address,
            Stage.ASSESSMENT: self.assessment_address,
            Stage.PLACEMENT: self.placement_address,
            Stage.DELIVERY: self.delivery_address,
            Stage.BILLING: self.billing_address,
        }[stage]

"""Settings of the worker: read once from the environment, checked, frozen; nothing else here reads the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from services.kernel.codes import Stage
from services.runtime.named_files import require_token
from services.runtime.settings import SIMULATED_IN_PRODUCTION
from services.runtime.temporal_connection import TemporalConnection
from services.runtime.tls import TlsSettings
from workflows.clock import ClockMode
from workflows.texts import Language

__all__ = ["WorkerSettings"]


class WorkerSettings(TlsSettings, TemporalConnection):
    """What the worker needs to know; each field is `SOCIALCARE_<NAME>` in the environment, as for the services."""

    model_config = SettingsConfigDict(
        env_prefix="SOCIALCARE_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    environment: str = Field("production", pattern=r"^(development|test|production)$")
    """development, test or production; the last refuses simulated time."""
    clock: ClockMode = ClockMode.SYSTEM
    """system, or simulated: then a workflow computes its offset to business time once."""
    language: Language = Language.BG
    """Language of what operators read in the Temporal UI."""
    metrics_bind: str = Field("127.0.0.1:9465", pattern=r"^.+:\d{1,5}$")
    """Address of the Prometheus endpoint of the Temporal SDK; empty host names are not resolved, use an IP."""
    health_bind: str = Field("127.0.0.1:9466", pattern=r"^.+:\d{1,5}$")
    """Address of the HTTP endpoints /live and /ready."""
    token_file: Path
    """The worker's own access token; read again when it changes."""
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
    log_level: str = Field("info", pattern=r"^(debug|info|warning|error)$")
    """debug, info, warning or error."""
    schedules_seconds: float = Field(60.0, ge=0, le=86_400)
    """Pause between two looks at whether every municipality has its Schedules, on the system clock; 0: never."""
    drain_seconds: float = Field(20.0, ge=0, le=300)
    """Longest wait for running activities after SIGTERM."""
    worker_build_id: str = Field("", pattern=r"^[A-Za-z0-9._-]{0,64}$")
    """Build of the code, for worker versioning: then it gets work once `socialcare rollout` says so; empty: none."""
    worker_deployment: str = Field("socialcare", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """Name under which Temporal groups the builds of this worker."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.environment == "production" and self.clock is ClockMode.SIMULATED:
            raise ValueError(SIMULATED_IN_PRODUCTION)
        require_token("SOCIALCARE_TOKEN_FILE", self.token_file)
        return self

    @property
    def drain(self) -> timedelta:
        """`drain_seconds` as a duration."""
        return timedelta(seconds=self.drain_seconds)

    def address_of(self, stage: Stage) -> str:
        """Address under which the stage's service is reached."""
        return {
            Stage.INTAKE: self.intake_address,
            Stage.ASSESSMENT: self.assessment_address,
            Stage.PLACEMENT: self.placement_address,
            Stage.DELIVERY: self.delivery_address,
            Stage.BILLING: self.billing_address,
        }[stage]

"""What a local stack is asked to be: by the environment, and by the flags that override it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli.local.ports import Ports
from cli.local.state import DEFAULT_DIRECTORY
from services.kernel.codes import Stage
from services.runtime.complaints import read_settings
from services.runtime.named_files import read_dsn
from services.runtime.settings import ClockMode
from services.runtime.temporal_connection import NAMESPACE
from services.runtime.tls import TlsFiles

__all__ = ["StackEnvironment", "StackOptions"]


class StackEnvironment(BaseSettings):
    """Servers that run already, and where to listen; each field is `SOCIALCARE_<NAME>` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="SOCIALCARE_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    pg_dsn_template: SecretStr | None = None
    """Connection string of a running PostgreSQL, `{stage}` standing for intake, assessment and so on; the databases
    exist already."""
    dsn: SecretStr | None = None
    """Connection string of one stage, for the commands that are about one stage."""
    dsn_file: str | None = None
    """File that holds it; `{stage}` in its name stands for intake, assessment and so on."""
    admin_dsn_file: Path | None = None
    """File with the connection string of an administrator, for `socialcare databases`."""
    temporal_address: str | None = None
    """host:port of a running Temporal server."""
    temporal_namespace: str = NAMESPACE
    """Namespace that the stack uses and `register` prepares."""
    port_offset: int = Field(0, ge=0, le=14_000)
    """Added to every port of the local stack, 0 to 14000 inclusive."""

    @field_validator("pg_dsn_template")
    @classmethod
    def _names_the_stage(cls, template: SecretStr | None) -> SecretStr | None:
        if template is not None and "{stage}" not in template.get_secret_value():
            raise ValueError("SOCIALCARE_PG_DSN_TEMPLATE needs {stage} where the name of the stage goes")
        return template

    def dsn_of(self, stage: Stage) -> str | None:
        """Connection string of a stage on a running PostgreSQL."""
        if self.pg_dsn_template is None:
            return None
        return self.pg_dsn_template.get_secret_value().replace("{stage}", stage.package)

    def dsn_in_file(self, stage: Stage) -> str | None:
        """Connection string of a stage from its file; UnusableFile when there is none."""
        if self.dsn_file is None:
            return None
        return read_dsn(Path(self.dsn_file.replace("{stage}", stage.package)))


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What to start, and how.

    `fresh` throws away the data of an earlier start. `port_offset` None takes that of the environment. `echo` prints
    every process's log, which is written to files in any case. `durable` False trades the safety of data in a crash
    of the machine for speed, for tests. `optional` False leaves out what the product does without (Prometheus).
    `replicas` and `workers` are processes of each service and of the worker, 1 to 9. With `tls` they speak mutual
    TLS, all with one certificate, which must name the loopback address.
    """

    directory: Path = DEFAULT_DIRECTORY
    fresh: bool = False
    port_offset: int | None = None
    ui: bool = True
    clock: ClockMode = ClockMode.SIMULATED
    echo: bool = True
    durable: bool = True
    optional: bool = True
    replicas: int = 1
    workers: int = 1
    tls: TlsFiles | None = None
    environment: StackEnvironment = field(default_factory=lambda: read_settings(StackEnvironment))

    @property
    def ports(self) -> Ports:
        """Where the stack listens."""
        return Ports(self.environment.port_offset if self.port_offset is None else self.port_offset)

"""Logs and metrics of a process: one canonical line per call, closed labels, ids only (design law 4)."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, field
from typing import cast

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import FilteringBoundLogger, Processor
from temporalio.runtime import LoggingConfig, LoggingFormat, TelemetryFilter

__all__ = ["GrpcMetrics", "OutboxMetrics", "Telemetry", "configure_logging", "log_libraries", "sdk_logging"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHOD = ("grpc_type", "grpc_service", "grpc_method")


def configure_logging(level: str, *, service: str) -> FilteringBoundLogger:
    """Log to stdout: lines of JSON, or readable ones on a terminal."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _renderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    return cast("FilteringBoundLogger", structlog.get_logger(service=service))


def log_libraries(level: str) -> None:
    """Bring warnings of libraries to stdout as lines like our own; left alone they would go to stderr."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer()],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))


def sdk_logging() -> LoggingConfig:
    """How the Temporal SDK's native core, which writes to stdout by itself, logs: warnings, as JSON off a terminal."""
    layout = LoggingFormat.COMPACT if sys.stdout.isatty() else LoggingFormat.JSON
    return LoggingConfig(filter=TelemetryFilter(core_level="WARN", other_level="ERROR"), format=layout)


def _renderer() -> Processor:
    return structlog.dev.ConsoleRenderer() if sys.stdout.isatty() else structlog.processors.JSONRenderer()


class GrpcMetrics:
    """The metrics of go-grpc-middleware, under its names, so that existing boards and alerts fit."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.started = Counter("grpc_server_started", "Calls started.", _METHOD, registry=registry)
        self.handled = Counter("grpc_server_handled", "Calls ended.", (*_METHOD, "grpc_code"), registry=registry)
        self.handling_seconds = Histogram(
            "grpc_server_handling_seconds", "Seconds from start to end.", _METHOD, registry=registry, buckets=_SECONDS
        )
        self.received = Counter("grpc_server_msg_received", "Messages received.", _METHOD, registry=registry)
        self.sent = Counter("grpc_server_msg_sent", "Messages sent.", _METHOD, registry=registry)

    def announce(self, grpc_type: str, service: str, method: str) -> None:
        """Show the method with zeros from the start, so that a first failure counts as a change."""
        labels = (grpc_type, service, method)
        self.started.labels(*labels)
        self.received.labels(*labels)
        self.sent.labels(*labels)
        self.handling_seconds.labels(*labels)
        self.handled.labels(*labels, "OK")


class OutboxMetrics:
    """What waits for Temporal; replicas of one stage show the same rows, take the maximum."""

    def __init__(self, registry: CollectorRegistry, stage: str) -> None:
        self.pending = Gauge(
            "socialcare_outbox_pending", "Outbox rows not delivered yet.", ("stage",), registry=registry
        ).labels(stage)
        self.oldest = Gauge(
            "socialcare_outbox_oldest_timestamp_seconds",
            "Unix time at which the oldest waiting row was stored; NaN when none waits.",
            ("stage",),
            registry=registry,
        ).labels(stage)
        self.undeliverable = Gauge(
            "socialcare_outbox_undeliverable", "Rows whose workflow had ended.", ("stage",), registry=registry
        ).labels(stage)
        self.delivered = Counter(
            "socialcare_outbox_delivered", "Rows delivered by this process.", ("stage",), registry=registry
        ).labels(stage)
        self.oldest.set(float("nan"))


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Logger and metrics registry of the process; a stage registers its own metrics in the same registry."""

    log: FilteringBoundLogger
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

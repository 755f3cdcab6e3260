"""The floor of a submission: a bare gRPC server that stores the same rows by one transaction and echoes an application.

`python -m bench.bare_intake BIND DSN ROWS`, ROWS being a pickled LeftRows of this run.
"""

from __future__ import annotations

import asyncio
import pickle
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import grpc

from bench.left_rows import LeftRows
from socialcare.intake.v1 import intake_service_pb2 as intake
from socialcare.intake.v1 import resources_pb2

__all__ = ["SUBMIT", "serve"]

SUBMIT = "/socialcare.intake.v1.IntakeService/SubmitApplication"
_CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class BareIntake:
    """Takes applications without looking at them."""

    pool: asyncpg.Pool
    rows: LeftRows
    statements: list[str]

    async def submit(
        self,
        request: intake.SubmitApplicationRequest,
        context: grpc.aio.ServicerContext[Any, Any],  # noqa: ARG002  # gRPC hands every method a context.
    ) -> intake.SubmitApplicationResponse:
        """Store the rows of a submission under fresh ids."""
        async with self.pool.acquire() as connection, connection.transaction():
            for statement, arguments in zip(self.statements, self.rows.fresh(), strict=True):
                await connection.execute(statement, *arguments)
        return intake.SubmitApplicationResponse(
            application=resources_pb2.Application(
                application_id=request.request_id,
                municipality_id=request.municipality_id,
                service_code=request.service_code,
            )
        )


async def serve(bind: str, dsn: str, rows: LeftRows) -> None:
    """Serve until the process is told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with asyncpg.create_pool(dsn, min_size=_CONNECTIONS, max_size=_CONNECTIONS) as pool:
        bare = BareIntake(pool, rows, rows.statements())
        service, method = SUBMIT.strip("/").split("/")
        handler = grpc.unary_unary_rpc_method_handler(
            bare.submit,
            request_deserializer=intake.SubmitApplicationRequest.FromString,
            response_serializer=intake.SubmitApplicationResponse.SerializeToString,
        )
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        server.add_insecure_port(bind)
        await server.start()
        await stop.wait()
        await server.stop(1)


if __name__ == "__main__":
    with Path(sys.argv[3]).open("rb") as file:
        stored = pickle.load(file)  # noqa: S301  # Written by the benchmark a moment ago.
    asyncio.run(serve(sys.argv[1], sys.argv[2], stored))

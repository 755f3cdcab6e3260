"""The same month once more from nothing: delivery's tables are emptied, and Temporal forgets what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import asyncpg
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.service import RPCError, RPCStatusCode

from drill.ground import Ground
from services.kernel.codes import Stage, WorkflowType

__all__ = ["begin_anew", "until_told"]

PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.1
# Migrations fill two tables, of which no life changes anything.
_TABLES = """
SELECT quote_ident(relname) AS name FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
  AND relname NOT IN ('alembic_version', 'calendars')
"""
# People who are seeded have no case workflow that could take what is said of their care.
_UNTOLD = """
SELECT EXISTS (SELECT FROM outbox WHERE state = 'PENDING' AND case_id IN (SELECT CAST(id AS text) FROM welfare_check))
"""


async def begin_anew(ground: Ground) -> None:
    """Forget a life. Ids come back in the next one, and Temporal starts no workflow twice under one id."""
    await _forget_workflows(ground, WorkflowType.WELFARE_CHECK)
    await _forget_workflows(ground, WorkflowType.DAILY_DELIVERY)
    connection = await asyncpg.connect(ground.dsn(Stage.DELIVERY))
    try:
        tables = [record["name"] for record in await connection.fetch(_TABLES)]
        # Documents and the audit are never removed otherwise.
        async with connection.transaction():
            for table in tables:
                await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            await connection.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
            for table in tables:
                await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    finally:
        await connection.close()


async def until_told(ground: Ground) -> None:
    """Wait until Temporal has every message of a welfare check."""
    connection = await asyncpg.connect(ground.dsn(Stage.DELIVERY))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await connection.fetchval(_UNTOLD):
                await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        await connection.close()


async def _forget_workflows(ground: Ground, kind: WorkflowType) -> None:
    client = ground.client
    async with asyncio.timeout(PATIENCE_SECONDS):
        while found := [each async for each in client.list_workflows(f"WorkflowType = '{kind}'")]:
            for each in found:
                execution = WorkflowExecution(workflow_id=each.id, run_id=each.run_id)
                request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
                while await _is_there(client.workflow_service.delete_workflow_execution(request)):
                    await asyncio.sleep(_PAUSE_SECONDS)
            await asyncio.sleep(_PAUSE_SECONDS)


async def _is_there(asked: Awaitable[object]) -> bool:
    """Whether Temporal knew what it was asked about."""
    try:
        await asked
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True

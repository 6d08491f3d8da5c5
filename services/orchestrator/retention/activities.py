"""The activities of retention."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from temporalio import activity

from services.orchestrator.context import Context
from services.orchestrator.retention.enforcing import Enforcer
from services.orchestrator.retention.wiping import SQL
from shared.db.tx import system_tx
from shared.retention import Retention
from shared.workflows import retention

TENANTS: Final = 500
"""Tenants of one pass; the next one takes the others."""


class RetentionActivities:
    """The activity bodies of retention. Each may run twice."""

    def __init__(self, context: Context, enforcer: Enforcer) -> None:
        self._context = context
        self._enforcer = enforcer

    def all(self) -> list[Callable[..., Any]]:
        """Return the bodies for registration."""
        return [self.list_due, self.enforce]

    @activity.defn(name=retention.LIST_DUE)
    async def list_due(self) -> tuple[UUID, ...]:
        """Find tenants that may have something too old."""
        now = self._context.clock.now()
        async with system_tx(self._context.database) as connection:
            rows = await connection.fetch(
                SQL["due_tenants"], now, TENANTS, Retention().days("audit_log")
            )
        return tuple(row["tenant_id"] for row in rows)

    @activity.defn(name=retention.ENFORCE)
    async def enforce(self, tenant_id: UUID) -> None:
        """Deal with everything of a tenant that is too old."""
        await self._enforcer.enforce(tenant_id, activity.heartbeat)

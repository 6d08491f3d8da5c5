"""What handlers write into the audit trail: in the transaction of the change itself."""

from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

from services.api.principal import Principal
from shared.db.pool import Connection
from shared.trail.entries import Entry, digest, record

CURRENT_REQUEST: Final[ContextVar[str]] = ContextVar("current_request", default="")
"""Id of the request that this task serves; empty outside one."""


async def note(
    connection: Connection,
    principal: Principal,
    now: datetime,
    action: str,
    target: str,
    *,
    before: Any = None,
    after: Any = None,
    facts: dict[str, str | int | bool] | None = None,
) -> None:
    """Record what a caller did, in the tenant's transaction that does it.

    Args:
        connection: Of the transaction.
        principal: Who.
        now: When.
        action: What, for example `settings.changed`.
        target: A public id, or the name of a setting.
        before: The thing before; only its digest is kept. Secrets in it must be sealed or left out.
        after: The thing afterwards, likewise.
        facts: Ids, codes and numbers, never text.

    Raises:
        ValueError: the action, the target or a fact could be text.
    """
    await record(
        connection,
        Entry(
            tenant_id=principal.tenant_id,
            actor=principal.actor,
            action=action,
            target=target,
            request_id=CURRENT_REQUEST.get(),
            at=now,
            before=None if before is None else digest(before),
            after=None if after is None else digest(after),
            facts=facts or {},
        ),
    )

"""Changes of a tenant's plan, limits and state; each tells the audit trail what it did.

All of them run in a transaction of the system role (`system_tx`), so that change and entry are
committed together. Processes see a change within `shared.tenancy.book.FRESH_S` seconds.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.db.pool import Connection
from shared.ids import format_id
from shared.tenancy.book import SQL
from shared.tenancy.limits import (
    LIMIT_NAMES,
    MOST,
    MOST_COUNT,
    NEVER_WITHOUT,
    STATUSES,
    LimitName,
    TenantStatus,
    plans,
)
from shared.trail.entries import Actor, Entry, digest, record_fleet

REASON: Final = "^[A-Za-z0-9][A-Za-z0-9 .,:#/_-]{0,119}$"
"""A reason is a ticket or a few words; nobody's name and no address."""

_LARGE: Final[frozenset[LimitName]] = frozenset({"tokens_per_day", "microusd_per_day"})
"""Limits that may be above `MOST_COUNT`."""

_DONE: Final[dict[TenantStatus, str]] = {
    "active": "tenant.resumed",
    "paused": "tenant.paused",
    "draining": "tenant.draining_begun",
    "suspended": "tenant.suspended",
}


class TenantChangeError(Exception):
    """The change cannot be made; the message says why in one line."""


class NoTenantError(TenantChangeError):
    """There is no such tenant."""


class Change(Record, frozen=True, kw_only=True):
    """Who changes something, when, and in which request."""

    actor: Actor
    at: datetime
    request_id: str = ""


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """One limit that differs from the plan."""

    name: LimitName
    value: int | None
    """None: no bound."""
    changed_by: UUID | None
    """The operator's key; None: the command line."""
    changed_at: datetime
    reason: str | None = None
    """None where it was not asked for: across tenants nobody reads it."""


async def overrides_of(connection: Connection, tenant_id: UUID) -> tuple[Override, ...]:
    """Return what differs from the plan, without reasons; for either role."""
    rows = await connection.fetch(SQL["overrides"], tenant_id)
    return tuple(msgspec.convert(dict(row), Override) for row in rows)


async def overrides_with_reasons(connection: Connection, tenant_id: UUID) -> tuple[Override, ...]:
    """Return what differs from the plan and why; in the tenant's own transaction."""
    rows = await connection.fetch(SQL["overrides_with_reasons"], tenant_id)
    return tuple(msgspec.convert(dict(row), Override) for row in rows)


async def set_plan(connection: Connection, tenant_id: UUID, plan: str, change: Change) -> bool:
    """Give a tenant a plan; say whether it had another one.

    Raises:
        NoTenantError: there is no such tenant.
        TenantChangeError: there is no such plan.
    """
    if plan not in plans():
        raise TenantChangeError(f"there is no plan {plan} (known: {', '.join(plans())})")
    before, _ = await _locked(connection, tenant_id)
    if before == plan:
        return False
    await connection.execute(SQL["set_plan"], tenant_id, plan)
    facts = {"before": before, "after": plan}
    await _tell(connection, tenant_id, change, "tenant.plan_set", before, plan, facts)
    return True


async def set_override(
    connection: Connection,
    tenant_id: UUID,
    name: LimitName,
    value: int | None,
    reason: str,
    change: Change,
) -> None:
    """Let a limit differ from the plan; None takes the bound away.

    Raises:
        NoTenantError: there is no such tenant.
        TenantChangeError: no such limit, or the value or the reason cannot be used.
    """
    check_override(name, value, reason)
    await _locked(connection, tenant_id)
    before = {one.name: one.value for one in await overrides_of(connection, tenant_id)}
    statement = SQL["update_override" if name in before else "insert_override"]
    await connection.execute(statement, tenant_id, name, value, reason, change.actor.id, change.at)
    facts: dict[str, str | int | bool] = {"limit": name}
    facts["value"] = "none" if value is None else value
    old = before.get(name, "plan")
    await _tell(connection, tenant_id, change, "tenant.limit_set", old, value, facts)


async def clear_override(
    connection: Connection, tenant_id: UUID, name: LimitName, change: Change
) -> bool:
    """Let the plan decide a limit again; say whether it had differed.

    Raises:
        NoTenantError: there is no such tenant.
        TenantChangeError: no such limit.
    """
    _check_name(name)
    await _locked(connection, tenant_id)
    before = {one.name: one.value for one in await overrides_of(connection, tenant_id)}
    if name not in before:
        return False
    await connection.execute(SQL["clear_override"], tenant_id, name)
    facts: dict[str, str | int | bool] = {"limit": name}
    await _tell(connection, tenant_id, change, "tenant.limit_cleared", before[name], "plan", facts)
    return True


async def set_status(
    connection: Connection, tenant_id: UUID, status: TenantStatus, change: Change
) -> bool:
    """Put a tenant into a state; say whether it was in another one.

    After the commit `shared.tenancy.waking.wake` tells the workers of a tenant that goes on;
    without it they see it within some seconds.

    Raises:
        NoTenantError: there is no such tenant.
        TenantChangeError: there is no such state.
    """
    if status not in STATUSES:
        raise TenantChangeError(f"there is no state {status} (known: {', '.join(STATUSES)})")
    _, before = await _locked(connection, tenant_id)
    if before == status:
        return False
    await connection.execute(SQL["set_status"], tenant_id, status)
    facts = {"before": before, "after": status}
    await _tell(connection, tenant_id, change, _DONE[status], before, status, facts)
    return True


def check_override(name: str, value: int | None, reason: str) -> None:
    """Check what a limit is to become.

    Raises:
        TenantChangeError: no such limit, or the value or the reason cannot be used.
    """
    _check_name(name)
    least = 1 if name in NEVER_WITHOUT else 0
    most = MOST if name in _LARGE else MOST_COUNT
    if value is None and name in NEVER_WITHOUT:
        raise TenantChangeError(f"{name} always has a bound")
    if value is not None and not least <= value <= most:
        raise TenantChangeError(f"{name} is a whole number from {least} to {most}")
    if re.fullmatch(REASON, reason) is None:
        raise TenantChangeError("a reason is a ticket or a few plain words, at most 120 characters")


def _check_name(name: str) -> None:
    if name not in LIMIT_NAMES:
        raise TenantChangeError(f"there is no limit {name} (known: {', '.join(LIMIT_NAMES)})")


async def _locked(connection: Connection, tenant_id: UUID) -> tuple[str, TenantStatus]:
    row = await connection.fetchrow(SQL["lock_tenant"], tenant_id)
    if row is None:
        raise NoTenantError("there is no such tenant")
    return row["plan"], row["status"]


async def _tell(
    connection: Connection,
    tenant_id: UUID,
    change: Change,
    action: str,
    before: Any,
    after: Any,
    facts: Mapping[str, str | int | bool],
) -> None:
    entry = Entry(
        tenant_id=tenant_id,
        actor=change.actor,
        action=action,
        target=format_id("ten", tenant_id),
        request_id=change.request_id,
        at=change.at,
        before=digest(before),
        after=digest(after),
        facts=dict(facts),
    )
    await record_fleet(connection, entry)

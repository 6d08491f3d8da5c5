"""Whether new work of a tenant may begin: asked in the transaction that accepts it."""

import math
from collections.abc import Callable
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from shared.contracts.jobs import JobKind
from shared.db.pool import Connection
from shared.errors import (
    AppError,
    BacklogFullError,
    ConcurrencyExceededError,
    TenantPausedError,
    TenantSuspendedError,
)
from shared.tenancy.book import SQL
from shared.tenancy.limits import TenantLimits

Kind = Literal["simulation", "autopilot", "scoring"]
"""What counts against a limit of things at once."""

ROOM: Final = 10
"""A refused client comes back when so many percent of the cap should be free."""

UNMEASURED_S: Final = 30
"""Seconds to wait where nothing of the queue ended lately."""

SHORTEST_S: Final = 1
LONGEST_S: Final = 600

PAUSED_S: Final = 60
"""Seconds after which it makes sense to ask a paused tenant's API again."""

JITTER: Final = 0.25
"""Up to so much of the wait is added, so that clients do not return together."""

_LIMIT: Final[dict[Kind, Callable[[TenantLimits], int | None]]] = {
    "simulation": lambda limits: limits.simulations,
    "autopilot": lambda limits: limits.autopilot,
    "scoring": lambda limits: limits.scorings,
}

_POLICY: Final[dict[Kind, str]] = {
    "simulation": "simulations",
    "autopilot": "autopilot",
    "scoring": "scorings",
}
"""Names of the limits in `violated-policies` and `GET /v1/limits`."""

_WORDS: Final[dict[Kind, str]] = {
    "simulation": "simulations are open",
    "autopilot": "autopilot simulations are waiting or being played",
    "scoring": "scorings are waiting or being judged",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to begin."""

    lanes: tuple[JobKind, ...]
    """Queues it will wait in, one after the other."""
    kind: Kind | None = None
    """What it counts as; None: as nothing."""
    count: int = 1
    lane_room: int = 1
    """Places it needs in each queue; an empty queue takes any number."""


async def admit(
    connection: Connection,
    tenant_id: UUID,
    limits: TenantLimits,
    asked: Asked,
    random: Callable[[int], bytes],
) -> None:
    """Check new work, in one round trip; call it last, for it may hold a lock until the commit.

    The state is the database's own, not what `limits` remembers.

    Raises:
        TenantPausedError, TenantSuspendedError: the tenant takes nothing new.
        BacklogFullError: too many of its jobs are waiting.
        ConcurrencyExceededError: too much of this kind is under way.
    """
    most = None if asked.kind is None else _LIMIT[asked.kind](limits)
    cap = max(limits.backlog - asked.lane_room + 1, 1)
    row = await connection.fetchrow(
        SQL["admit"],
        tenant_id,
        [lane.value for lane in asked.lanes],
        [cap for _ in asked.lanes],
        asked.kind,
        asked.count,
        most,
    )
    if row is not None and row["refused"] is not None:
        raise _refusal(row, limits, asked, most, random)


async def full(
    connection: Connection,
    tenant_id: UUID,
    lane: JobKind,
    waiting: int,
    cap: int,
    random: Callable[[int], bytes],
) -> BacklogFullError:
    """Return the refusal of a queue whose jobs were counted already, with when to come back."""
    done_per_s = await connection.fetchval(SQL["drain"], tenant_id, lane.value)
    return _full(waiting, cap, done_per_s, random)


def come_back_s(
    held: int, cap: int, done_per_s: float | None, random: Callable[[int], bytes]
) -> int:
    """Return seconds until there should be room, by how fast the tenant's work ended lately.

    Args:
        held: how many there are.
        cap: how many there may be.
        done_per_s: how many end per second; None: unknown.
        random: bytes for the jitter.
    """
    if not done_per_s:
        wait = float(UNMEASURED_S)
    else:
        wait = max(held - cap * (100 - ROOM) // 100, 1) / done_per_s
    wait = min(max(wait, SHORTEST_S), LONGEST_S)
    return math.ceil(wait * (1 + JITTER * random(1)[0] / 255))


def _refusal(
    row: Any,
    limits: TenantLimits,
    asked: Asked,
    most: int | None,
    random: Callable[[int], bytes],
) -> AppError:
    match row["refused"]:
        case "suspended":
            return TenantSuspendedError()
        case "paused" | "draining":
            return TenantPausedError(retry_after_s=_later_s(random))
        case "backlog":
            return _full(row["held"], limits.backlog, row["done_per_s"], random)
        case _:
            return _exceeded(row, asked, most or 0, random)


def _later_s(random: Callable[[int], bytes]) -> int:
    return PAUSED_S + round(JITTER * PAUSED_S * random(1)[0] / 255)


def _full(
    waiting: int, cap: int, done_per_s: float | None, random: Callable[[int], bytes]
) -> BacklogFullError:
    return BacklogFullError(
        f"{waiting} jobs of this kind are waiting",
        retry_after_s=come_back_s(waiting, cap, done_per_s, random),
    )


def _exceeded(
    row: Any, asked: Asked, most: int, random: Callable[[int], bytes]
) -> ConcurrencyExceededError:
    what = _WORDS[asked.kind or "simulation"]
    detail = f"{row['held']} {what}; {most} are allowed at once"
    if asked.count > 1:
        detail += f", and this request would add {asked.count}"
    wait_s = come_back_s(row["held"] + asked.count, most, row["done_per_s"], random)
    return ConcurrencyExceededError(
        detail, policy=_POLICY[asked.kind or "simulation"], retry_after_s=wait_s
    )

"""A tenant's effective limits: its plan, what differs from it, and its state."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Final, Literal, get_args

import msgspec

from shared.config import Settings
from shared.contracts.base import Record
from shared.yaml_files import read_yaml

TenantStatus = Literal["active", "paused", "draining", "suspended"]
"""`paused`: nothing new begins, and what is queued waits. `draining`: nothing new begins, what is
queued is worked off. `suspended`: every call is refused. Work in hand always goes on to its end.
"""

LimitName = Literal[
    "requests_per_minute",
    "simulations",
    "autopilot",
    "scorings",
    "backlog",
    "model_calls",
    "tokens_per_day",
    "microusd_per_day",
    "weight",
]
"""What can differ from a plan; `microusd_per_day` in millionths of a US dollar."""

LIMIT_NAMES: Final[tuple[LimitName, ...]] = get_args(LimitName)

STATUSES: Final[tuple[TenantStatus, ...]] = get_args(TenantStatus)

NEVER_WITHOUT: Final[frozenset[LimitName]] = frozenset({"requests_per_minute", "backlog", "weight"})
"""Limits that always have a value, from 1."""

STANDARD: Final = "standard"
"""The plan of a tenant with which nothing was agreed, and of one whose plan is not in the table."""

MICRO: Final = 1_000_000
"""Millionths of a US dollar in one."""

MOST: Final = 10**12
"""The largest value of any limit; far above every use."""

MOST_COUNT: Final = 10_000_000
"""The largest number of requests, of things at once, of jobs; what the database counts fits."""

Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_COUNT)]


class Plan(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One plan of `plans.yaml`; the file says what the numbers mean."""

    requests_per_minute: Annotated[int, msgspec.Meta(ge=1, le=MOST_COUNT)] | None = None
    simulations: Count | None = None
    autopilot: Count | None = None
    scorings: Count | None = None
    backlog: Annotated[int, msgspec.Meta(ge=1, le=MOST_COUNT)] | None = None
    model_calls: Count | None = None
    tokens_per_day: Annotated[int, msgspec.Meta(ge=0, le=MOST)] | None = None
    usd_per_day: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    weight: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class TenantLimits(Record, frozen=True, kw_only=True):
    """What a tenant may use now; None: no bound."""

    plan: str
    status: TenantStatus
    requests_per_minute: int
    """Over all processes together."""
    simulations: int | None
    """Interactive ones that are open at once."""
    autopilot: int | None
    """Waiting or being played."""
    scorings: int | None
    """Waiting or being judged."""
    backlog: int
    """Waiting jobs of one kind."""
    model_calls: int | None
    """Calls to a language model at once."""
    tokens_per_day: int | None
    microusd_per_day: int | None
    """Millionths of a US dollar per day (UTC)."""
    weight: int
    """Share of the workers while tenants wait for them, from 1."""


class Defaults(Record, frozen=True, kw_only=True):
    """What the installation gives where a plan says nothing."""

    requests_per_minute: int
    backlog: int

    @classmethod
    def of(cls, settings: Settings) -> "Defaults":
        """Return what a process was started with."""
        return cls(
            requests_per_minute=settings.requests_per_minute, backlog=settings.tenant_backlog
        )


@cache
def plans() -> Mapping[str, Plan]:
    """Return the plans by name.

    Raises:
        msgspec.ValidationError: the file has an unknown or impossible number.
    """
    found = read_yaml(resources.files("shared.tenancy") / "plans.yaml")
    return msgspec.convert(found, dict[str, Plan])


def effective(
    plan_name: str,
    status: TenantStatus,
    overrides: Mapping[str, int | None],
    defaults: Defaults,
) -> TenantLimits:
    """Return what a tenant of a plan may use, with what differs from it."""
    known = plans()
    plan = known.get(plan_name, known[STANDARD])
    values: dict[str, int | None] = {
        "requests_per_minute": plan.requests_per_minute or defaults.requests_per_minute,
        "simulations": plan.simulations,
        "autopilot": plan.autopilot,
        "scorings": plan.scorings,
        "backlog": plan.backlog or defaults.backlog,
        "model_calls": plan.model_calls,
        "tokens_per_day": plan.tokens_per_day,
        "microusd_per_day": None if plan.usd_per_day is None else round(plan.usd_per_day * MICRO),
        "weight": plan.weight,
    }
    values |= {name: value for name, value in overrides.items() if name in values}
    return msgspec.convert({"plan": plan_name, "status": status, **values}, TenantLimits)

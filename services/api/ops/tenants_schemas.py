"""Requests and answers about tenants."""

from datetime import datetime
from typing import Annotated

import msgspec

from services.api.ops.watching_schemas import Load, Queue
from services.api.paging import Page, PageQuery
from services.api.validation import RuleError, broken
from shared.ids import format_id
from shared.tenancy.changes import REASON, Override
from shared.tenancy.limits import MOST, LimitName, TenantLimits, TenantStatus, plans

Slug = Annotated[str, msgspec.Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
TimeZone = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_+/-]{1,64}$")]
PlanName = Annotated[str, msgspec.Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]


class TenantsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tenants."""

    status: TenantStatus | None = None
    plan: PlanName | None = None
    slug: Slug | None = None


class TenantRow(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant."""

    id: str
    slug: str
    status: TenantStatus
    """`paused`: nothing new begins, and what is queued waits. `draining`: nothing new begins, and
    what is queued is worked off. `suspended`: every call is refused."""
    plan: str
    time_zone: str
    created_at: datetime


class TenantPage(Page[TenantRow], frozen=True, kw_only=True):
    """A page of tenants, the oldest first."""


class OverrideView(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that differs from the plan."""

    name: LimitName
    value: int | None
    """None: no bound."""
    reason: str | None
    changed_at: datetime
    changed_by: str | None
    """The operator's key; None: the command line."""

    @classmethod
    def of(cls, one: Override) -> "OverrideView":
        """Return the public form."""
        return cls(
            name=one.name,
            value=one.value,
            reason=one.reason,
            changed_at=one.changed_at,
            changed_by=None if one.changed_by is None else format_id("key", one.changed_by),
        )


class LimitsView(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant may use now; null: no bound."""

    plan: str
    requests_per_minute: int
    simulations: int | None
    autopilot: int | None
    scorings: int | None
    backlog: int
    model_calls: int | None
    tokens_per_day: int | None
    microusd_per_day: int | None
    """Millionths of a US dollar."""
    weight: int
    overrides: list[OverrideView]
    """What of it differs from the plan."""

    @classmethod
    def of(cls, limits: TenantLimits, overrides: tuple[Override, ...]) -> "LimitsView":
        """Return the public form."""
        values = msgspec.structs.asdict(limits)
        del values["status"]
        return cls(**values, overrides=[OverrideView.of(one) for one in overrides])


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much a tenant has."""

    teams: int
    learners: int
    simulations: int
    open_simulations: int
    scorings: int
    unfinished_scorings: int
    webhook_endpoints: int


class TenantView(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant with its limits and sizes."""

    id: str
    slug: str
    status: TenantStatus
    plan: str
    time_zone: str
    created_at: datetime
    limits: LimitsView
    sizes: Sizes
    waiting: int
    """Jobs that no worker has."""
    in_flight: int
    """Jobs in work."""
    dead: int
    is_drained: bool
    """Nothing is queued or in work, no conversation is open, no scoring unfinished."""


class NewTenant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a tenant is made of."""

    slug: Slug
    time_zone: TimeZone = "UTC"
    plan: PlanName = "standard"

    def __post_init__(self) -> None:
        """Check the plan."""
        check_plan(self.plan)


class CreatedTenant(msgspec.Struct, frozen=True, kw_only=True):
    """A new tenant and its first key."""

    id: str
    slug: str
    api_key: str | None
    """Every scope; shown once. None when an earlier request with the same key made the tenant."""


class PlanBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plan from now on."""

    plan: PlanName

    def __post_init__(self) -> None:
        """Check the plan."""
        check_plan(self.plan)


class StatusBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The state from now on; `active` resumes."""

    status: TenantStatus


class LimitsBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits that differ from the plan, and limits to leave to it again; others stay."""

    set: dict[LimitName, Annotated[int, msgspec.Meta(ge=0, le=MOST)] | None] = {}
    """Null: no bound."""
    clear: list[LimitName] = []
    reason: Annotated[
        str,
        msgspec.Meta(pattern=REASON, description="A ticket or a few words; nobody's name."),
    ]

    def __post_init__(self) -> None:
        """Refuse what says two things at once, and nothing at all."""
        both = sorted(set(self.set) & set(self.clear))
        if both:
            raise RuleError(
                *(broken("/clear", "contradiction", f"{name} is also set") for name in both)
            )
        if not self.set and not self.clear:
            raise RuleError(broken("/set", "required", "Name at least one limit"))


class TableSize(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant has in one table."""

    name: str
    rows: int
    bytes: int


class TenantStorage(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant takes on disk, about."""

    tenant_id: str
    bytes: int
    tables: list[TableSize]


class TenantWorkload(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant has queued, did lately, and spends."""

    tenant_id: str
    since: datetime
    queues: list[Queue]
    load: list[Load]
    month_usd: str
    calls_in_flight: int


def check_plan(name: str) -> None:
    """Check that there is such a plan; raises `RuleError`."""
    if name not in plans():
        known = ", ".join(plans())
        raise RuleError(broken("/plan", "unknown-value", f"There are the plans {known}"))

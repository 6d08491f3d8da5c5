"""Requests and answers of `/v1/usage` and of the usage of single things."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from services.api.fields import utc
from services.api.filters.asked import Moment
from services.api.paging import PageQuery
from services.api.usage.repository import Group, GroupBy, Sums, Turn
from services.api.usage.service import Standing, Window
from services.api.validation import RuleError, broken
from shared.contracts.llm import Task
from shared.ids import format_id
from shared.llm.money import dollars


class UsageQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which calls, and what they are summed up by."""

    start: Annotated[
        Moment | None,
        msgspec.Meta(description="First moment; the beginning of this month when absent."),
    ] = msgspec.field(name="from", default=None)
    end: Annotated[
        Moment | None, msgspec.Meta(description="First moment after; now when absent.")
    ] = msgspec.field(name="to", default=None)
    group_by: Annotated[
        GroupBy,
        msgspec.Meta(
            description="Days and months are in UTC. `simulation` and `scoring` leave out calls "
            "that belong to none; the total never does."
        ),
    ] = "day"

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise RuleError(broken("/to", "out-of-order", "This is no later than from"))

    def window(self, now: datetime) -> Window:
        """Return the stretch of time; empty when it would end before it starts."""
        month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return Window(start=self.start or month, end=self.end or now)


class UsageSums(msgspec.Struct, frozen=True, kw_only=True):
    """What some calls came to."""

    calls: int
    failed_calls: int
    """Of these: those that brought nothing."""
    input_tokens: int
    cached_tokens: int
    """Of the input: read from the endpoint's cache."""
    output_tokens: int
    cost_usd: str
    """By the price table; US dollars as text."""
    latency_p50_ms: int | None
    """Of calls that did not fail; null without any."""
    latency_p95_ms: int | None

    @classmethod
    def of(cls, sums: Sums) -> "UsageSums":
        """Return the public form."""
        return cls(
            calls=sums.calls,
            failed_calls=sums.failed_calls,
            input_tokens=sums.input_tokens,
            cached_tokens=sums.cached_tokens,
            output_tokens=sums.output_tokens,
            cost_usd=dollars(sums.cost_microusd),
            latency_p50_ms=sums.p50_ms,
            latency_p95_ms=sums.p95_ms,
        )


class UsageGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one group."""

    group: str
    """A day `2026-11-22`, a month `2026-11`, a task, a model, or an id."""
    usage: UsageSums


class UsageView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of groups, and the sums of the whole time. Test keys make no calls."""

    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    group_by: GroupBy
    data: list[UsageGroup]
    total: UsageSums
    """Of all pages, and of calls that are in no group."""
    next_cursor: str | None
    """None on the last page."""


class TurnUsage(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one turn and task."""

    seq: int
    task: Task
    usage: UsageSums

    @classmethod
    def of(cls, turn: Turn) -> "TurnUsage":
        """Return the public form."""
        return cls(seq=turn.seq, task=turn.task, usage=UsageSums.of(turn.sums))


class SimulationUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What the model did for a practice conversation; its scoring has sums of its own."""

    simulation_id: str
    total: UsageSums
    turns: list[TurnUsage]
    """By the customer's turn and task; empty when the embedded engine spoke."""


class ScoringUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What the model did for a scoring."""

    scoring_id: str
    total: UsageSums


class BudgetStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A budget of this month, in US dollars."""

    limit_usd: str | None
    """Null: no bound."""
    spent_usd: str
    reserved_usd: str
    """Set aside for calls under way: the most that they can cost."""
    left_usd: str | None


class BudgetView(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of the budgets."""

    month: str
    """In UTC: `2026-11`."""
    source: Literal["own", "installation", "none"]
    """Whose endpoint is called."""
    monthly: BudgetStanding
    """Yours, over everything."""
    installation: BudgetStanding | None
    """Of the installation for you; null at an endpoint of your own."""
    simulation_usd: str | None
    """The most for one practice conversation; null: no bound."""
    scoring_usd: str | None
    in_flight: int
    max_in_flight: int

    @classmethod
    def of(cls, standing: Standing) -> "BudgetView":
        """Return the public form."""
        settings, month, model = standing.stored.settings, standing.month, standing.model
        bound = None if model is None else model.bounds.installation_microusd
        return cls(
            month=standing.first_day.strftime("%Y-%m"),
            source="none" if model is None else "own" if model.is_own else "installation",
            monthly=_standing(settings.monthly_microusd, month.spent, month.reserved),
            installation=None
            if bound is None
            else _standing(bound, month.installation_spent, month.installation_reserved),
            simulation_usd=_shown(settings.simulation_microusd),
            scoring_usd=_shown(settings.scoring_microusd),
            in_flight=month.in_flight,
            max_in_flight=settings.max_in_flight,
        )


def usage_group(group: Group, group_by: GroupBy) -> UsageGroup:
    """Return the public form of a group."""
    prefixes = {"simulation": "sim", "scoring": "scr"}
    prefix = prefixes.get(group_by)
    name = group.name if prefix is None else format_id(prefix, UUID(group.name))
    return UsageGroup(group=name, usage=UsageSums.of(group.sums))


def usage_view(
    window: Window, group_by: GroupBy, data: list[UsageGroup], total: Sums, cursor: str | None
) -> UsageView:
    """Return the public form of a page."""
    return UsageView(
        start=utc(window.start),
        end=utc(window.end),
        group_by=group_by,
        data=data,
        total=UsageSums.of(total),
        next_cursor=cursor,
    )


def _standing(limit: int | None, spent: int, reserved: int) -> BudgetStanding:
    left = None if limit is None else max(0, limit - spent - reserved)
    return BudgetStanding(
        limit_usd=_shown(limit),
        spent_usd=dollars(spent),
        reserved_usd=dollars(reserved),
        left_usd=_shown(left),
    )


def _shown(amount: int | None) -> str | None:
    return None if amount is None else dollars(amount)

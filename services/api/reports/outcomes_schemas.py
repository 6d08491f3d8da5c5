"""Requests and answers about customer outcomes."""

from datetime import date, timedelta
from typing import Annotated, Final, Literal

import msgspec

from services.api.fields import TeamId
from services.api.reports.ranges import EARLIEST, LATEST, SkillKey, TrendSource
from services.api.reports.schemas import shown_as_of
from services.api.validation import RuleError, broken
from shared.contracts.reports.base import AsOf
from shared.contracts.reports.outcomes import (
    CorrelationsReply,
    HandleTimeSeries,
    HiddenOutcomePair,
    HiddenTransfer,
    OutcomePair,
    OutcomesReply,
    ResolutionSeries,
    SkillTransfer,
    SurveySeries,
    TransferReply,
    TransferSeries,
)

DEFAULT_RANGE: Final = timedelta(days=182)


class PeriodParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which time."""

    start: date | None = msgspec.field(name="from", default=None)
    """First day; half a year before the last when absent."""
    end: date | None = msgspec.field(name="to", default=None)
    """Last day; today when absent."""

    def __post_init__(self) -> None:
        errors = [
            broken(f"/{name}", "out-of-range", f"A date is between {EARLIEST} and {LATEST}")
            for name, day in (("from", self.start), ("to", self.end))
            if day is not None and not EARLIEST <= day <= LATEST
        ]
        if errors:
            raise RuleError(*errors)

    def range(self, today: date) -> tuple[date, date]:
        """Return first and last day, both inclusive; reporting refuses what makes no range."""
        end = self.end or today
        return self.start or end - DEFAULT_RANGE, end


class OutcomesParameters(PeriodParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which points."""

    bucket: Annotated[
        Literal["week", "month"],
        msgspec.Meta(description="What a point counts: a month, or weeks that hold enough."),
    ] = "month"


_TEAM = msgspec.Meta(description="One team; all that your key may see when absent.")


class CorrelationParameters(
    PeriodParameters, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Which pairs."""

    team_id: Annotated[TeamId | None, _TEAM] = None
    skill: SkillKey = None
    source: Annotated[
        TrendSource,
        msgspec.Meta(description="Whose scores: `call` means every real conversation."),
    ] = "call"


class TransferParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which people and when."""

    team_id: Annotated[TeamId | None, _TEAM] = None
    skill: SkillKey = None
    quarter: Annotated[
        Annotated[str, msgspec.Meta(pattern="^20[0-9]{2}-Q[1-4]$")] | None,
        msgspec.Meta(
            description="The later part; the last quarter that is over when absent.",
            examples=["2026-Q3"],
        ),
    ] = None

    def first_day(self, today: date) -> date:
        """Return the first day of the later quarter."""
        if self.quarter is not None:
            year, _, number = self.quarter.partition("-Q")
            return date(int(year), 3 * int(number) - 2, 1)
        this = today.replace(month=today.month - (today.month - 1) % 3, day=1)
        return (this - timedelta(days=80)).replace(day=1)


class OutcomesView(msgspec.Struct, frozen=True, kw_only=True):
    """A team's customer outcomes; intervals are 90 %, shares 0..100."""

    team_id: str
    bucket: Literal["week", "month"]
    start: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")
    headline: str
    surveys: tuple[SurveySeries, ...]
    """Per form: answers on different scales are never mixed."""
    handle_time: HandleTimeSeries
    resolution: ResolutionSeries
    transfers: TransferSeries
    as_of: AsOf

    @classmethod
    def of(
        cls, team_id: str, query: OutcomesParameters, days: tuple[date, date], reply: OutcomesReply
    ) -> "OutcomesView":
        """Return the public form of an answer."""
        return cls(
            team_id=team_id,
            bucket=query.bucket,
            start=days[0],
            end=days[1],
            headline=reply.headline,
            surveys=reply.surveys,
            handle_time=reply.handle_time,
            resolution=reply.resolution,
            transfers=reply.transfers,
            as_of=shown_as_of(reply.as_of),
        )


class CorrelationsView(msgspec.Struct, frozen=True, kw_only=True):
    """Skills beside outcomes, one pair of numbers per person."""

    kind: Literal["correlation"]
    """People high in one were high in the other, for whatever reason: not a cause."""
    start: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")
    headline: str
    data: tuple[OutcomePair, ...]
    suppressed: tuple[HiddenOutcomePair, ...]
    as_of: AsOf

    @classmethod
    def of(cls, reply: CorrelationsReply) -> "CorrelationsView":
        """Return the public form of an answer."""
        return cls(
            kind=reply.kind,
            start=reply.start,
            end=reply.end,
            headline=reply.headline,
            data=reply.pairs,
            suppressed=reply.suppressed,
            as_of=shown_as_of(reply.as_of),
        )


class TransferView(msgspec.Struct, frozen=True, kw_only=True):
    """Change in practice beside change in real conversations, of the same people."""

    kind: Literal["association"]
    """Nobody was assigned to practice by lot: not a cause."""
    start: date = msgspec.field(name="from")
    middle: date
    end: date = msgspec.field(name="to")
    headline: str
    data: tuple[SkillTransfer, ...]
    suppressed: tuple[HiddenTransfer, ...]
    as_of: AsOf

    @classmethod
    def of(cls, reply: TransferReply) -> "TransferView":
        """Return the public form of an answer."""
        return cls(
            kind=reply.kind,
            start=reply.start,
            middle=reply.middle,
            end=reply.end,
            headline=reply.headline,
            data=reply.skills,
            suppressed=reply.suppressed,
            as_of=shown_as_of(reply.as_of),
        )

"""Answers and contacts counted: CSAT, NPS, CES, handle time, resolution and transfers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.reporting.trends.outcome_words import (
    nothing,
    say_handle_time,
    say_resolution,
    say_survey,
    say_transfers,
)
from services.reporting.trends.outcomes import Block, Frame, Week, line_of, people_of
from services.reporting.trends.stats.estimate import Estimate
from services.reporting.trends.stats.proportions import net_promoter, wilson
from shared.contracts.reports.outcomes import (
    FirstContactResolution,
    HandleTime,
    HandleTimePoint,
    HandleTimeSeries,
    OutcomeShare,
    ResolutionPoint,
    ResolutionSeries,
    SurveyKind,
    SurveyNumbers,
    SurveyPoint,
    SurveySeries,
    TransferPoint,
    TransferSeries,
    TransferShare,
)

PROMOTER: Final = 9
"""The least answer of a promoter."""

DETRACTOR: Final = 6
"""The highest answer of a detractor."""


class Form(NamedTuple):
    """A kind of survey."""

    form: str
    kind: SurveyKind
    low: int
    high: int
    positive: tuple[int, ...]


class Answers(NamedTuple):
    """So many surveys of one person's customers in one cut week."""

    bucket: date
    person: UUID
    score: int | None
    """None: delivered, and not answered."""
    n: int


class Contacts(NamedTuple):
    """One person's contacts in one cut week; each measure counts those that say something of it."""

    bucket: date
    person: UUID
    handle_s: npt.NDArray[np.int64]
    """Seconds, one per contact whose time is known."""
    judged: int
    """Contacts of which both is known: whether first, and whether resolved."""
    first: int
    """First contacts of those."""
    first_resolved: int
    transfers_known: int
    transferred: int


class _Bits(dict[UUID, int]):
    """Numbers people as they come."""

    def __missing__(self, person: UUID) -> int:
        self[person] = 1 << len(self)
        return self[person]


def survey_series(form: Form, rows: Iterable[Answers], frame: Frame) -> SurveySeries:
    """Return one kind of survey over time."""
    bits = _Bits()
    masks: Counter[date] = Counter()
    delivered: Counter[date] = Counter()
    scores: dict[date, Counter[int]] = {}
    for row in rows:
        delivered[row.bucket] += row.n
        counts = scores.setdefault(row.bucket, Counter())
        if row.score is not None:
            masks[row.bucket] |= bits[row.person]
            counts[row.score] += row.n
    buckets = sorted(scores)
    weeks = [Week(each, masks[each], scores[each].total()) for each in buckets]

    def number(blocks: Sequence[Block]) -> SurveyNumbers:
        chosen = [buckets[index] for block in blocks for index in block]
        return _survey_numbers(
            form,
            sum((scores[each] for each in chosen), Counter[int]()),
            delivered=sum(delivered[each] for each in chosen),
            learners=people_of(blocks, [week.people for week in weeks]),
        )

    line = line_of(weeks, frame, number)
    return SurveySeries(
        form=form.form,
        kind=form.kind,
        low=form.low,
        high=form.high,
        positive_values=form.positive,
        sentence=nothing(frame.min_people)
        if line.period is None
        else say_survey(form.form, form.kind, line.period),
        period=line.period,
        points=tuple(SurveyPoint(**each._asdict()) for each in line.points),
        suppressed=line.suppressed,
    )


def _survey_numbers(
    form: Form, scores: Mapping[int, int], *, delivered: int, learners: int
) -> SurveyNumbers:
    answered = sum(scores.values())
    promoters = sum(n for score, n in scores.items() if score >= PROMOTER)
    detractors = sum(n for score, n in scores.items() if score <= DETRACTOR)
    positives = sum(n for score, n in scores.items() if score in form.positive)
    nps = net_promoter(promoters, detractors, answered) if form.kind == "nps" else None
    return SurveyNumbers(
        delivered=delivered,
        answered=answered,
        learners=learners,
        response_rate=round(100 * answered / delivered, 1),
        mean=round(sum(score * n for score, n in scores.items()) / answered, 2),
        positive=None if nps else _share(wilson(positives, answered)),
        nps=None if nps is None else round(nps.value),
        nps_low=None if nps is None else round(nps.low, 1),
        nps_high=None if nps is None else round(nps.high, 1),
    )


def handle_time_series(rows: Sequence[Contacts], frame: Frame) -> HandleTimeSeries:
    """Return how long contacts took over time."""
    weeks, members = _weeks(rows, [len(row.handle_s) for row in rows])

    def number(blocks: Sequence[Block]) -> HandleTime:
        seconds = np.concatenate(
            [row.handle_s for block in blocks for index in block for row in members[index]]
        )
        return HandleTime(
            n=len(seconds),
            learners=people_of(blocks, [week.people for week in weeks]),
            median_s=round(float(np.median(seconds)), 1),
            p90_s=round(float(np.percentile(seconds, 90)), 1),
            mean_s=round(float(np.mean(seconds)), 1),
        )

    line = line_of(weeks, frame, number)
    return HandleTimeSeries(
        sentence=nothing(frame.min_people) if line.period is None else say_handle_time(line.period),
        period=line.period,
        points=tuple(HandleTimePoint(**each._asdict()) for each in line.points),
        suppressed=line.suppressed,
    )


def transfer_series(rows: Sequence[Contacts], frame: Frame) -> TransferSeries:
    """Return how much was passed on over time."""
    weeks, members = _weeks(rows, [row.transfers_known for row in rows])

    def number(blocks: Sequence[Block]) -> TransferShare:
        chosen = [row for block in blocks for index in block for row in members[index]]
        known = sum(row.transfers_known for row in chosen)
        return TransferShare(
            learners=people_of(blocks, [week.people for week in weeks]),
            share=_share(wilson(sum(row.transferred for row in chosen), known)),
        )

    line = line_of(weeks, frame, number)
    return TransferSeries(
        sentence=nothing(frame.min_people) if line.period is None else say_transfers(line.period),
        period=line.period,
        points=tuple(TransferPoint(**each._asdict()) for each in line.points),
        suppressed=line.suppressed,
    )


def resolution_series(rows: Sequence[Contacts], frame: Frame) -> ResolutionSeries:
    """Return first-contact resolution over time.

    People and contacts are counted by first contacts, of which both shares have enough then. What
    is left between them are repeated contacts: a block where these are of too few people has no net
    share, and no sum of blocks counts it there.
    """
    weeks, members = _weeks(rows, [row.first for row in rows])

    def number(blocks: Sequence[Block]) -> FirstContactResolution:
        chosen = [[row for index in block for row in members[index]] for block in blocks]
        everything = [row for block in chosen for row in block]
        told_apart = [row for block in chosen if _is_net_safe(block, frame) for row in block]
        resolved = sum(row.first_resolved for row in everything)
        return FirstContactResolution(
            learners=people_of(blocks, [week.people for week in weeks]),
            gross=_share(wilson(resolved, sum(row.judged for row in everything))),
            net=_share(
                wilson(
                    sum(row.first_resolved for row in told_apart),
                    sum(row.first for row in told_apart),
                )
            )
            if told_apart
            else None,
        )

    line = line_of(weeks, frame, number)
    return ResolutionSeries(
        sentence=nothing(frame.min_people) if line.period is None else say_resolution(line.period),
        period=line.period,
        points=tuple(ResolutionPoint(**each._asdict()) for each in line.points),
        suppressed=line.suppressed,
    )


def _is_net_safe(block: Sequence[Contacts], frame: Frame) -> bool:
    repeated = {row.person for row in block if row.judged > row.first}
    return not repeated or len(repeated) >= frame.min_people


def _weeks(
    rows: Sequence[Contacts], amounts: Sequence[int]
) -> tuple[list[Week], list[list[Contacts]]]:
    """Return the weeks of one measure, and the rows of each."""
    bits = _Bits()
    masks: Counter[date] = Counter()
    totals: Counter[date] = Counter()
    members: dict[date, list[Contacts]] = {}
    for row, amount in zip(rows, amounts, strict=True):
        members.setdefault(row.bucket, []).append(row)
        totals[row.bucket] += amount
        if amount:
            masks[row.bucket] |= bits[row.person]
    buckets = sorted(members)
    weeks = [Week(each, masks[each], totals[each]) for each in buckets]
    return weeks, [members[each] for each in buckets]


def _share(estimate: Estimate) -> OutcomeShare:
    """Return a share of 0..1 in hundredths."""
    return OutcomeShare(
        value=round(100 * estimate.value, 1),
        low=round(100 * estimate.low, 1),
        high=round(100 * estimate.high, 1),
        n=estimate.n,
    )

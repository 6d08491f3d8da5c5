"""Skills beside customer outcomes, and practice beside real conversations."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import product
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.reporting.desk import Desk, QuestionError
from services.reporting.freshness import State, state
from services.reporting.outcomes import repository
from services.reporting.outcomes.repository import PersonAnswers, PersonContacts
from services.reporting.outcomes.team import whole_months
from services.reporting.trends import outcome_pairs, transfer
from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.limits import Kind
from services.reporting.trends.outcome_numbers import Form
from services.reporting.trends.outcome_pairs import means_of, pairs_of, say_pairs
from services.reporting.trends.person_scores import (
    PersonScores,
    Scored,
    Stays,
    Tally,
    person_scores,
)
from services.reporting.trends.transfer import Gains, say_transfers, transfers_of
from shared.contracts.reports.outcomes import (
    CorrelationsQuery,
    CorrelationsReply,
    HiddenTransfer,
    TransferQuery,
    TransferReply,
)
from shared.db.tx import tenant_tx

_DAY: Final = timedelta(days=1)

_KINDS: Final[dict[str, Kind | None]] = {"simulation": "practice", "call": "real", "all": None}
"""What a question's source asks for; None: both together."""


_BOTH: Final[tuple[Kind, ...]] = ("practice", "real")

Mask = npt.NDArray[np.bool_]
"""Of the people of some scores: an entry each."""


class _Time(NamedTuple):
    start: date
    end: date
    """Last day, inclusive."""


async def outcome_correlations(desk: Desk, query: CorrelationsQuery) -> CorrelationsReply:
    """Set every skill beside every outcome, a pair of numbers per person.

    Raises:
        QuestionError: an empty range, or one that is too long.
    """
    start, until = whole_months(query.start, query.end)
    tenant_id, teams = query.tenant_id, query.team_ids
    async with tenant_tx(desk.database, tenant_id) as connection:
        known = await state(connection, tenant_id, desk.clock)
        over = min(until, bucket_of(known.today))  # weeks that are not over do not count
        forms = await repository.customer_forms(connection, tenant_id)
        answers = await repository.person_surveys(connection, tenant_id, start, over, teams)
        contacts = await repository.person_contacts(connection, tenant_id, start, over, teams)
        rows = await repository.rollups(connection, tenant_id, start, until - _DAY, teams)
    scores = _scores(rows, teams, known)
    time = _Time(start, until - _DAY)
    found = pairs_of(
        {
            skill: _means(scores, scores.tally(skill, _KINDS[query.source], *time))
            for skill in _skills(scores, query.skill, known)
        },
        {**_survey_means(answers, forms), **_contact_means(contacts)},
        {form.form: form.kind for form in forms.values()},
        known.skills,
        min_people=known.settings.min_people,
    )
    return CorrelationsReply(
        headline=say_pairs(found.pairs),
        start=start,
        end=time.end,
        pairs=found.pairs,
        suppressed=found.hidden,
        as_of=known.as_of,
    )


async def practice_transfer(desk: Desk, query: TransferQuery) -> TransferReply:
    """Set the change in practice beside the change in real conversations, of the same people.

    Raises:
        QuestionError: the quarter is not over.
    """
    start, until = quarter_before(query.quarter), quarter_after(query.quarter)
    async with tenant_tx(desk.database, query.tenant_id) as connection:
        known = await state(connection, query.tenant_id, desk.clock)
        if known.today < until:
            raise QuestionError("the quarter is not over", "quarter")
        rows = await repository.rollups(
            connection, query.tenant_id, start, until - _DAY, query.team_ids
        )
    scores = _scores(rows, query.team_ids, known)
    before, after = _Time(start, query.quarter - _DAY), _Time(query.quarter, until - _DAY)
    told, hidden = _told(scores, before, after, known, list(_skills(scores, query.skill, known)))
    skills = transfers_of(told, known.skills, min_people=known.settings.min_people)
    return TransferReply(
        headline=say_transfers(skills),
        start=start,
        middle=query.quarter,
        end=after.end,
        skills=skills,
        suppressed=tuple(HiddenTransfer(skill=each, reason="too_few_people") for each in hidden),
        as_of=known.as_of,
    )


def quarter_after(quarter: date) -> date:
    """Return the first day of the quarter after the one that begins on a day."""
    return (quarter + timedelta(days=92)).replace(day=1)


def quarter_before(quarter: date) -> date:
    """Return the first day of the quarter before the one that begins on a day."""
    return (quarter - timedelta(days=80)).replace(day=1)


def _told(
    scores: PersonScores, before: _Time, after: _Time, known: State, skills: Sequence[str]
) -> tuple[list[Gains], list[str]]:
    """Return the gains that may be told, and the skills of which none may.

    A skill and its root are about nearly the same people: where they differ by few, the difference
    of both answers would be about these, so the root says nothing.
    """
    least, stays = known.settings.min_people, scores.stays()

    def counted(skill: str) -> Mask:
        return _counted(scores, stays, skill, before, after, least)

    told, hidden = [], []
    for skill in skills:
        mask = counted(skill)
        parts = (each for each in _skills(scores, None, known) if each.startswith(f"{skill}."))
        if np.count_nonzero(mask) < least or any(
            _shows_few(mask, part, least) for part in map(counted, parts)
        ):
            hidden.append(skill)
        else:
            told.append(_gains(scores, skill, mask, before, after))
    return told, hidden


def _shows_few(whole: Mask, part: Mask, least: int) -> bool:
    """Say whether a part that is told differs from the whole by a few people only."""
    few = range(1, least)
    sides = (int(np.count_nonzero(side)) for side in (whole & ~part, part & ~whole))
    return int(np.count_nonzero(part)) >= least and any(side in few for side in sides)


def _scores(rows: Sequence[Scored], teams: tuple[UUID, ...] | None, known: State) -> PersonScores:
    return person_scores(
        rows,
        teams,
        min_people=known.settings.min_people,
        open_from=bucket_of(known.today),
    )


def _skills(scores: PersonScores, asked: str | None, known: State) -> Iterator[str]:
    for skill in scores.skills() if asked is None else [asked]:
        if skill not in known.skills.hidden:
            yield skill


def _means(scores: PersonScores, tally: Tally) -> dict[UUID, float]:
    return means_of(scores.people, tally.n.tolist(), tally.total.tolist())


def _counted(
    scores: PersonScores, stays: Stays, skill: str, before: _Time, after: _Time, min_people: int
) -> Mask:
    """Return who has enough scores of both kinds before and after, an entry per person.

    An answer about several teams leaves out the few whom answers about single teams leave out:
    else the difference would be about them.
    """
    cells = [scores.tally(skill, kind, *time) for kind, time in product(_BOTH, (before, after))]
    counted: Mask = np.logical_and.reduce([cell.n >= transfer.MIN_EACH for cell in cells])
    alone = np.logical_and.reduce(
        [
            scores.counts_by_stay(stays, skill, kind, *time) >= transfer.MIN_EACH
            for kind, time in product(_BOTH, (before, after))
        ]
    )
    is_told = np.bincount(stays.team[alone], minlength=len(scores.blocks.teams)) >= min_people
    rest = counted.copy()
    rest[stays.person[alone & is_told[stays.team]]] = False
    if np.count_nonzero(rest) < min_people:
        counted &= ~rest
    return counted


def _gains(scores: PersonScores, skill: str, counted: Mask, before: _Time, after: _Time) -> Gains:
    """Return the gains of those who are counted."""
    cells = [scores.tally(skill, kind, *time) for kind, time in product(_BOTH, (before, after))]
    means = [cell.total[counted] / cell.n[counted] for cell in cells]
    return Gains(skill, practice=means[1] - means[0], real=means[3] - means[2])


def _survey_means(
    answers: Sequence[PersonAnswers], forms: dict[str, Form]
) -> dict[str, dict[UUID, float]]:
    """Return per form each person's share of positive answers (0..100), or NPS."""
    by_form: dict[str, list[PersonAnswers]] = defaultdict(list)
    for row in answers:
        by_form[row.form].append(row)
    return {
        form: means_of(
            [row.person for row in rows],
            [row.n for row in rows],
            [row.positive - (row.detractors if forms[form].kind == "nps" else 0) for row in rows],
            scale=100,
        )
        for form, rows in by_form.items()
    }


def _contact_means(rows: Sequence[PersonContacts]) -> dict[str, dict[UUID, float]]:
    if not rows:
        return {}
    people = [row.person for row in rows]
    return {
        outcome_pairs.HANDLE_TIME: means_of(
            people, [row.handled for row in rows], [row.handle_s for row in rows]
        ),
        outcome_pairs.RESOLUTION: means_of(
            people, [row.judged for row in rows], [row.first_resolved for row in rows], scale=100
        ),
        outcome_pairs.TRANSFERS: means_of(
            people,
            [row.transfers_known for row in rows],
            [row.transferred for row in rows],
            scale=100,
        ),
    }

"""Eight weeks of past conversations, composed from `dialogues.yaml` and handed in for scoring.

One team's conversations get better from week to week, the other's stay as they are. Only the
wording differs: what it is worth is for the judge to say.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from infra.demo.checks import expect
from infra.demo.client import Api
from infra.demo.people import Learner, Team
from infra.demo.views import Assessment, Scoring, Scorings

WEEKS: Final = 8
PER_WEEK: Final = 2
"""Conversations of one person in one week."""

SEED: Final = 20
"""Same conversations in every run; only the dates move."""

IMPROVING: Final = "Harbor"

SCORED_WITHIN_S: Final = 40.0

DONE: Final = frozenset({"completed", "failed"})
PAST_SOURCES: Final = frozenset({"call", "chat"})


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer's line and what the agent may answer."""

    customer: str
    weak: str
    fair: str
    good: str


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One matter that customers come with."""

    key: str
    source: str
    """`call` or `chat`."""
    exchanges: tuple[Answers, ...]


class Dialogues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`dialogues.yaml`."""

    names: tuple[str, ...]
    days: tuple[str, ...]
    openings: dict[str, tuple[str, ...]]
    closings: tuple[Answers, ...]
    cases: tuple[Case, ...]


class PastConversation(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation to hand in."""

    external_id: str
    source: str
    turns: tuple[dict[str, str], ...]
    occurred_at: datetime


@cache
def dialogues() -> Dialogues:
    """Return the building blocks.

    Raises:
        msgspec.ValidationError: the file does not describe dialogues.
    """
    text = Path(__file__).with_name("dialogues.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), Dialogues)


def first_monday(today: date) -> date:
    """Return the Monday on which the eight whole weeks before this one begin."""
    return today - timedelta(days=today.weekday(), weeks=WEEKS)


def chances(team: str, week: int) -> tuple[float, float, float]:
    """Return how often a team answers weakly, fairly and well in a week (0 is the oldest)."""
    if team != IMPROVING:
        return 0.34, 0.40, 0.26
    done = week / (WEEKS - 1)
    return 0.46 - 0.40 * done, 0.34 - 0.10 * done, 0.20 + 0.50 * done


def compose(
    team: str, learner: Learner, week: int, number: int, *, monday: date, run_id: str
) -> PastConversation:
    """Return conversation `number` of a person in a week; the same arguments, the same text."""
    rng = random.Random(f"{SEED}/{team}/{learner.name}/{week}/{number}")  # noqa: S311 - wording
    blocks = dialogues()
    case = rng.choice(blocks.cases)
    slots = {
        "agent": learner.name,
        "name": rng.choice(blocks.names),
        "day": rng.choice(blocks.days),
    }
    turns = tuple(
        {"role": role, "text": text.format(**slots)} for role, text in _lines(rng, case, team, week)
    )
    day = monday + timedelta(weeks=week, days=rng.randrange(5))
    at = time(rng.randrange(8, 17), rng.randrange(60))
    return PastConversation(
        external_id=f"{run_id}-{learner.name.lower()}-{week}-{number}",
        source=case.source,
        turns=turns,
        occurred_at=datetime.combine(day, at, UTC),
    )


def _lines(rng: random.Random, case: Case, team: str, week: int) -> Iterator[tuple[str, str]]:
    blocks, weights = dialogues(), chances(team, week)

    def level() -> str:
        return rng.choices(("weak", "fair", "good"), weights)[0]

    yield "agent", rng.choice(blocks.openings[level()])
    for exchange in (*case.exchanges, rng.choice(blocks.closings)):
        yield "customer", exchange.customer
        yield "agent", getattr(exchange, level())


async def hand_in(api: Api, teams: Sequence[Team], monday: date, run_id: str) -> int:
    """Post every past conversation; return how many."""

    async def post(team: Team, learner: Learner, week: int, number: int) -> None:
        past = compose(team.name, learner, week, number, monday=monday, run_id=run_id)
        body: dict[str, Any] = {
            "conversation": {
                "turns": past.turns,
                "external_id": past.external_id,
                "source": past.source,
            },
            "learner_id": learner.id,
            "occurred_at": past.occurred_at,
        }
        await api.post("/v1/scorings", body, Scoring)

    posts = [
        post(team, learner, week, number)
        for week in range(WEEKS)
        for team in teams
        for learner in team.learners
        for number in range(PER_WEEK)
    ]
    await asyncio.gather(*posts)
    return len(posts)


async def collect(
    api: Api, learner: Learner, note: Callable[[str, int], None] = lambda _who, _done: None
) -> tuple[Scoring, ...]:
    """Wait until all past conversations of a person are scored; return them, oldest first.

    `note` hears of every look: whose conversations, and how many of them are done.

    Raises:
        DemoError: one failed, or they were not scored in time.
    """

    def all_done(seen: Scorings) -> bool:
        done = sum(item.status in DONE for item in seen.data)
        note(learner.id, done)
        return done == len(seen.data)

    page = await api.until(
        f"/v1/scorings?learner_id={learner.id}&limit=100",
        Scorings,
        all_done,
        within_s=SCORED_WITHIN_S,
    )
    past = [item for item in page.data if item.source in PAST_SOURCES]
    for item in past:
        _check(item)
    return tuple(sorted(past, key=lambda item: item.occurred_at))


async def scored(api: Api, scoring_id: str, *, within_s: float) -> Assessment:
    """Wait for a scoring and return its assessment.

    Raises:
        DemoError: it failed, or it was not scored in time.
    """
    scoring = await api.until(
        f"/v1/scorings/{scoring_id}", Scoring, lambda seen: seen.status in DONE, within_s=within_s
    )
    _check(scoring)
    return await api.get(f"/v1/assessments/{scoring.assessment_id}", Assessment)


def _check(scoring: Scoring) -> None:
    expect(
        scoring.assessment_id is not None, f"scoring {scoring.id} failed: {scoring.failure_code}"
    )

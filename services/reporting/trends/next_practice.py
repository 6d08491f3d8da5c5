"""What to practice next: a weak skill that is well observed, in a scenario of the right difficulty.

The rule fits on a page. A skill is weak below `GOAL`; the weakest comes first. A scenario exercises
a skill when its author says so, when its rubric scores it, or best both. Of those the one is chosen
whose expected score is nearest to its pass mark: that is where somebody has to stretch and can
still succeed. What was played in the last `REST_DAYS` waits, unless nothing else is left. There
is no chance in it: the same data give the same answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, Literal
from uuid import UUID

from services.reporting.trends.proficiency import Level, Unknown
from shared.contracts.base import Record

GOAL: Final = 75
"""From this proficiency a skill is no longer weak; the tier `proficient`."""

REST_DAYS: Final = 14
"""A scenario played so recently is not advised again."""

STEP: Final = 5.0
"""Points that one step of difficulty (1..5) is believed to cost before anybody has played it."""

BELIEF: Final = 5
"""The belief about a scenario weighs as much as so many people who played it."""

PULL: Final = 2
"""A learner's level is pulled to the tenant's mean as if by so many scores."""

BOTH, SAID, SCORED = 1.0, 0.7, 0.5
"""How well a scenario exercises a skill: its author says so and its rubric scores it; only the one,
only the other."""

MISFIT: Final = 20.0
"""Points of distance from the pass mark that weigh as much as exercising the skill not at all."""

Why = Literal["improve", "observe"]
"""A weak skill, or one that was seen too rarely to say anything."""


class Option(Record, frozen=True, kw_only=True):
    """A scenario that can be played."""

    scenario_id: UUID
    slug: str
    title: str
    role: str
    difficulty: int
    """1..5, by its author."""
    pass_mark: int
    """The target of its rubric, 0..100."""
    skills: Mapping[str, float]
    """How well it exercises each skill: `BOTH`, `SAID` or `SCORED`."""
    ease: float
    """Points above the average scenario, see `ease_of`."""
    is_measured: bool
    """Whether enough people have played it; else `ease` is its difficulty's alone."""
    handle_time_s: int
    """How long a conversation is meant to take."""
    last_played: date | None = None


class Choice(Record, frozen=True, kw_only=True):
    """A skill, a scenario for it, and the numbers behind both."""

    why: Why
    skill: str
    score: float | None
    """The proficiency; None when it was seen too rarely."""
    n: int
    newest: date | None
    option: Option
    expected: float
    """The overall score to expect in the scenario, 0..100, one decimal."""
    is_rested: bool
    """False: it was played in the last `REST_DAYS`, but nothing else exercises the skill."""


def ease_of(difficulty: int, measured: float | None, people: int) -> float:
    """Return how much easier than average a scenario is: the author's word, then what was seen."""
    believed = (3 - difficulty) * STEP
    if measured is None:
        return believed
    return (people * measured + BELIEF * believed) / (people + BELIEF)


def level_of(weighted: Iterable[tuple[float, float, float]], mean: float) -> float:
    """Return the overall score to expect of somebody in an average scenario.

    Args:
        weighted: Per attempt its weight, its score and the ease of its scenario.
        mean: The tenant's; what is expected of somebody without attempts.
    """
    weights, total = float(PULL), PULL * mean
    for weight, score, ease in weighted:
        weights += weight
        total += weight * (score - ease)
    return total / weights


def expected_in(level: float, option: Option) -> float:
    """Return the score to expect in a scenario, 0..100, one decimal."""
    return round(min(max(level + option.ease, 0.0), 100.0), 1)


def outlook(expected: float, option: Option, whose: str) -> str:
    """Return the end of a sentence about a scenario: what to expect, and why one believes that."""
    passing = f"{option.pass_mark} passes"
    if option.is_measured:
        return f"{whose} gets about {expected} there, where {passing}"
    return (
        f"too few people have played it to know how hard it is, its difficulty suggests about "
        f"{expected}, where {passing}"
    )


def weak_first(known: Iterable[Level], unknown: Iterable[Unknown]) -> list[Level | Unknown]:
    """Return what deserves practice: weak skills, weakest first, then those seen too rarely."""
    weak = sorted(
        (each for each in known if each.score < GOAL), key=lambda each: (each.score, each.skill)
    )
    rare = sorted(unknown, key=lambda each: (each.n, each.skill))
    return [*weak, *rare]


def choose(
    wanted: Iterable[Level | Unknown],
    options: Sequence[Option],
    *,
    level: float,
    today: date,
    amount: int,
) -> tuple[Choice, ...]:
    """Return up to `amount` choices for different skills, in the order in which they are wanted.

    A scenario is advised for one skill only; skills that no scenario exercises are passed over.
    """
    chosen: list[Choice] = []
    taken: set[UUID] = set()
    for each in wanted:
        if len(chosen) == amount:
            break
        free = [one for one in options if each.skill in one.skills and one.scenario_id not in taken]
        choice = _choice(each, free, level, today)
        if choice is not None:
            chosen.append(choice)
            taken.add(choice.option.scenario_id)
    return tuple(chosen)


def fittest(options: Iterable[Option], skill: str, *, level: float) -> Option | None:
    """Return the scenario for a skill whose expected score is nearest to its pass mark, if any.

    One that exercises the skill less well must be so much nearer; of two alike the slug decides.
    """

    def unfit(one: Option) -> tuple[float, str]:
        distance = abs(expected_in(level, one) - one.pass_mark)
        return distance + MISFIT * (1 - one.skills[skill]), one.slug

    return min((one for one in options if skill in one.skills), key=unfit, default=None)


def _choice(
    wanted: Level | Unknown, fitting: Sequence[Option], level: float, today: date
) -> Choice | None:
    rested = [one for one in fitting if _is_rested(one, today)]
    best = fittest(rested or fitting, wanted.skill, level=level)
    if best is None:
        return None
    return Choice(
        why="improve" if isinstance(wanted, Level) else "observe",
        skill=wanted.skill,
        score=wanted.score if isinstance(wanted, Level) else None,
        n=wanted.n,
        newest=wanted.newest,
        option=best,
        expected=expected_in(level, best),
        is_rested=bool(rested),
    )


def _is_rested(option: Option, today: date) -> bool:
    return option.last_played is None or (today - option.last_played).days >= REST_DAYS

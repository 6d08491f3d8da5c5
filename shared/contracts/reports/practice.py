"""Practice: proficiency, volume, goals, the quality of scenarios, and what to practice next.

Questions carry plain ids, answers public ones (`scn_...`): the API hands them on as they are.
"""

from datetime import date
from typing import Final, Literal
from uuid import UUID

from shared.contracts.base import Record
from shared.contracts.reports.base import AsOf, ReportQuery

MAX_PRACTICE_WEEKS: Final = 106
"""Longest range of a question about volume, in ISO weeks it touches; reporting refuses more."""

Tier = Literal["mastered", "proficient", "developing", "beginning"]
"""From 90, from 75, from 50, below."""

SuppressedReason = Literal["too_few_people"]

PracticeSource = Literal["simulation", "call", "all"]
"""`call` is every real conversation."""


class LearnerQuestion(ReportQuery, frozen=True, kw_only=True):
    """About one learner, whom the caller may read."""

    learner_id: UUID
    today: date
    """The tenant's."""


class TeamQuestion(ReportQuery, frozen=True, kw_only=True):
    """About one team, which the caller may read."""

    team_id: UUID
    today: date
    """The tenant's."""


class LearnerProficiencyQuery(LearnerQuestion, frozen=True, kw_only=True):
    """How good a learner is at each skill."""

    source: PracticeSource = "all"


class LearnerPracticeQuery(LearnerQuestion, frozen=True, kw_only=True):
    """How much a learner practices; the range is widened to whole ISO weeks."""

    start: date
    end: date
    """Inclusive."""


class TeamPracticeQuery(TeamQuestion, frozen=True, kw_only=True):
    """How much a team practices; periods that are wholly in the range are told."""

    start: date
    end: date
    """Inclusive."""


class RankingQuery(TeamQuestion, frozen=True, kw_only=True):
    """The members of a team in the order of a skill."""

    skill: str


class NextPracticeQuery(LearnerQuestion, frozen=True, kw_only=True):
    """What a learner might practice next."""

    amount: int
    """How many suggestions at most, 1..5."""


class TeamExerciseQuery(TeamQuestion, frozen=True, kw_only=True):
    """What a team might practice together."""


class ScenarioQualityQuery(ReportQuery, frozen=True, kw_only=True):
    """How hard scenarios are and whether they tell people apart; of the whole tenant."""

    today: date


class GoalProgressQuery(LearnerQuestion, frozen=True, kw_only=True):
    """How far the goals of a learner are."""


class SkillProficiency(Record, frozen=True, kw_only=True):
    """A person's proficiency in one skill; without a number where there are too few scores."""

    skill: str
    name: str
    n: int
    """Scores of the last 365 days."""
    newest: date
    """Day of the latest one."""
    score: float | None
    """0..100, one decimal: the mean of the scores, of which one 30 days older counts half."""
    low: float | None
    """90 % interval of `score`."""
    high: float | None
    tier: Tier | None
    confidence: Literal["high", "medium", "low"] | None
    """Half the interval is up to 5, up to 10, or more points."""
    reason: Literal["too_little_data"] | None = None
    """Why there is no number: fewer than 3 scores."""


class LearnerProficiency(Record, frozen=True, kw_only=True):
    """Skills by key."""

    as_of: AsOf
    headline: str
    skills: tuple[SkillProficiency, ...]


class TierBand(Record, frozen=True, kw_only=True):
    """People by tier; neighboring tiers are one band where one alone would hold too few people."""

    tiers: tuple[Tier, ...]
    """Best first."""
    people: int


class TeamSkill(Record, frozen=True, kw_only=True):
    """A team's proficiency in one skill: people, not scores, are counted."""

    skill: str
    name: str
    until: date
    """Scores and memberships count up to the end of this Sunday. It is an earlier one than that of
    the whole answer while too few people have joined, left or changed since: the difference of two
    answers would be about them."""
    people: int
    """Members of whom there are at least 3 scores."""
    mean: float
    """Of their proficiencies, 0..100, one decimal."""
    low: float
    """90 % interval of `mean`."""
    high: float
    bands: tuple[TierBand, ...]


class Ranked(Record, frozen=True, kw_only=True):
    """A person among the people of a team."""

    learner_id: str
    place: int
    """One more than the people whose whole interval is above this one: those who cannot be told
    apart from the best share the first place."""
    n: int
    score: float
    """Proficiency by what was done in this team, 0..100, one decimal."""
    low: float
    """90 % interval of `score`."""
    high: float
    tier: Tier


class Ranking(Record, frozen=True, kw_only=True):
    """People by score, best first. It is given only where the tenant turned `rank_people` on."""

    as_of: AsOf
    headline: str
    skill: str
    name: str
    people: tuple[Ranked, ...]
    unknown: tuple[str, ...]
    """Members with too few scores, by id."""


class SuppressedSkill(Record, frozen=True, kw_only=True):
    """A skill of which too few people have a proficiency."""

    skill: str
    reason: SuppressedReason


class TeamProficiency(Record, frozen=True, kw_only=True):
    """Skills by key."""

    as_of: AsOf
    headline: str
    until: date
    """The last Sunday; each skill says up to when it counts."""
    min_people: int
    skills: tuple[TeamSkill, ...]
    suppressed: tuple[SuppressedSkill, ...]


class PracticeVolume(Record, frozen=True, kw_only=True):
    """How much was done."""

    attempts: int
    minutes: float | None
    """Of the attempts whose length is known; one decimal. None: of none it is, or in a team of too
    few people."""
    timed: int
    """Attempts behind `minutes`."""


class PracticeWeek(Record, frozen=True, kw_only=True):
    """A learner's week."""

    week: date
    """Monday of the ISO week."""
    practice: PracticeVolume
    real: PracticeVolume


class Streak(Record, frozen=True, kw_only=True):
    """ISO weeks in a row with practice."""

    current_weeks: int
    """Up to this week, or up to the last one while this week has none yet."""
    longest_weeks: int
    is_this_week_done: bool
    last_day: date | None
    """Of the latest practice."""


class LearnerPractice(Record, frozen=True, kw_only=True):
    """Every week of the range, by time."""

    as_of: AsOf
    headline: str
    streak: Streak
    weeks: tuple[PracticeWeek, ...]


class PracticePeriod(Record, frozen=True, kw_only=True):
    """A run of weeks (cut at month ends) in which enough people were active."""

    kind: Literal["practice", "real"]
    first: date
    last: date
    """Inclusive."""
    people: int
    """Distinct people with an attempt."""
    members: int
    """People in the team on the last day."""
    volume: PracticeVolume


class SuppressedPeriod(Record, frozen=True, kw_only=True):
    """A week of which nothing is told."""

    kind: Literal["practice", "real"]
    first: date
    last: date
    reason: SuppressedReason


class TeamPractice(Record, frozen=True, kw_only=True):
    """Periods by kind and time."""

    as_of: AsOf
    headline: str
    min_people: int
    periods: tuple[PracticePeriod, ...]
    suppressed: tuple[SuppressedPeriod, ...]


class Figure(Record, frozen=True, kw_only=True):
    """A number with its 90 % interval."""

    value: float
    low: float
    high: float
    people: int
    """It rests on so many."""


ScenarioJudgment = Literal["fine", "too_easy", "too_hard", "does_not_separate", "too_little_data"]


class ScenarioFigures(Record, frozen=True, kw_only=True):
    """How one scenario works."""

    scenario_id: str
    slug: str
    title: str
    difficulty: int
    """1..5, as its author has it."""
    attempts: int
    people: int
    mean: float
    """Of the overall scores, 0..100, one decimal."""
    pass_share: Figure | None
    """0..1, three decimals."""
    expected: Figure
    """Score of the tenant's average learner, whoever has played it: 0..100, one decimal."""
    ease: float
    """Points above the tenant's average scenario for the same learner; negative: harder."""
    separation: Figure | None
    """Correlation of people's mean here with their mean elsewhere, -1..1, two decimals."""
    judgment: ScenarioJudgment
    sentence: str


class SuppressedScenario(Record, frozen=True, kw_only=True):
    """A scenario that too few people have played."""

    scenario_id: str
    reason: SuppressedReason


class ScenarioQuality(Record, frozen=True, kw_only=True):
    """Scenarios by slug."""

    as_of: AsOf
    headline: str
    since: date
    until: date
    """Attempts of these days count, both inclusive."""
    min_people: int
    scenarios: tuple[ScenarioFigures, ...]
    suppressed: tuple[SuppressedScenario, ...]


class GoalProgress(Record, frozen=True, kw_only=True):
    """Where one goal stands."""

    goal_id: str
    kind: Literal["score", "attempts"]
    skill: str | None
    target: int
    starts_on: date
    due_on: date
    state: Literal["met", "on_the_way", "missed", "too_little_data"]
    value: float | None
    """The proficiency (of the due day, once that is over), or attempts in this week."""
    done: int
    """Weeks that reached the target; of a score 1 when it was reached."""
    needed: int
    met_on: date | None
    sentence: str


class GoalsProgress(Record, frozen=True, kw_only=True):
    """Goals in order of creation."""

    as_of: AsOf
    headline: str
    goals: tuple[GoalProgress, ...]

"""Requests and answers of `/v1/reports` about practice."""

from datetime import timedelta
from typing import Annotated, Any, ClassVar

import msgspec

from services.api.reports.ranges import WeeksParameters
from shared.contracts.base import Record
from shared.contracts.reports.advice import NextPractice, TeamExerciseReply
from shared.contracts.reports.practice import (
    MAX_PRACTICE_WEEKS,
    GoalsProgress,
    LearnerPractice,
    LearnerProficiency,
    PracticeSource,
    Ranking,
    ScenarioQuality,
    TeamPractice,
    TeamProficiency,
)


class ProficiencyParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which scores count."""

    source: PracticeSource = "all"


class PracticeRangeParameters(
    WeeksParameters, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Which weeks."""

    most: ClassVar[timedelta] = timedelta(weeks=MAX_PRACTICE_WEEKS - 2)
    """Two weeks less than reporting takes, because a range is widened to whole weeks."""


class NextParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much advice."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=5, description="Suggestions at most.")] = 3


RankedSkill = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+(\.[a-z0-9_]+)*$", max_length=80)]


class RankingParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what people are ordered."""

    skill: RankedSkill
    """Key of a skill or of a root."""


class RankingView(Ranking, frozen=True, kw_only=True):
    """The people of a team in the order of a skill."""

    team_id: str


class LearnerProficiencyView(LearnerProficiency, frozen=True, kw_only=True):
    """How good a learner is at each skill now."""

    learner_id: str
    source: PracticeSource


class TeamProficiencyView(TeamProficiency, frozen=True, kw_only=True):
    """How many people of a team are how good at each skill."""

    team_id: str


class LearnerPracticeView(LearnerPractice, frozen=True, kw_only=True):
    """How much a learner practices."""

    learner_id: str


class TeamPracticeView(TeamPractice, frozen=True, kw_only=True):
    """How much a team practices."""

    team_id: str


class GoalsProgressView(GoalsProgress, frozen=True, kw_only=True):
    """How far a learner's goals are."""

    learner_id: str


class NextPracticeView(NextPractice, frozen=True, kw_only=True):
    """What a learner might practice next."""

    learner_id: str


class TeamExerciseView(TeamExerciseReply, frozen=True, kw_only=True):
    """What a team might practice together."""

    team_id: str


class ScenarioQualityView(ScenarioQuality, frozen=True, kw_only=True):
    """How hard scenarios are, and whether they tell people apart."""


def fields(reply: Record) -> dict[str, Any]:
    """Return what an answer of reporting says, for the view that says whose it is."""
    return {name: getattr(reply, name) for name in reply.__struct_fields__}

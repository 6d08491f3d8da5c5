"""Rubrics: what their authors write."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from shared.contracts.base import Authored

Score = Annotated[int, msgspec.Meta(ge=0, le=100)]
Weight = Annotated[int, msgspec.Meta(ge=1, le=100)]
Key = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]*$", max_length=60)]
Title = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]
Note = Annotated[str, msgspec.Meta(max_length=1000)]
SkillKey = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+\.[a-z][a-z0-9_]*$", max_length=80)]
"""A key of the taxonomy, for example `relate.empathy`, or one that the tenant added."""


class Polarity(StrEnum):
    """Whether seeing the behavior helps or hurts."""

    GOOD = "good"
    BAD = "bad"


class Indicator(Authored, frozen=True, kw_only=True):
    """A yes/no behavior that the judge looks for in the transcript."""

    key: Annotated[str, msgspec.Meta(max_length=80)]
    """Names a detector of the judge."""
    title: Title
    polarity: Polarity
    weight: Weight
    """Good: share beside the other good ones. Bad: percent of the points it takes when full."""
    full_at: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100
    """Percent of the opportunities at which it counts in full; nobody must do it always."""


class Anchor(Authored, frozen=True, kw_only=True):
    """What a level of a criterion looks like, for people who score and people who are scored."""

    from_score: Score
    """The level holds from this score up to the next anchor's."""
    label: Title
    text: Note


class AutoFail(Authored, frozen=True, kw_only=True):
    """What fails the whole form, whatever else was good; `pre_fail_score` keeps the rest."""

    indicators: tuple[str, ...] = ()
    """Bad indicators of this criterion: one of them seen fails the form."""
    below: Score | None = None
    """A scored criterion under this many points fails the form."""
    cap: Score = 0
    """The most that a failed form keeps."""


class Condition(Authored, frozen=True, kw_only=True):
    """When a criterion is asked at all: another one, earlier in the form, decides."""

    criterion: Key
    at_least: Score | None = None
    """It is scored with so many points or more."""
    below: Score | None = None
    """It is scored with fewer points."""
    had_opportunity: bool | None = None
    """The conversation gave (true) or gave no (false) occasion for it."""


class Criterion(Authored, frozen=True, kw_only=True):
    """What is scored, and the skills it counts for."""

    key: Key
    title: Title
    skill: SkillKey
    """The skill it mostly shows."""
    skills: dict[SkillKey, Weight] = msgspec.field(default_factory=dict)
    """All skills it counts for, with weights, `skill` among them; empty: `skill` alone."""
    weight: Weight
    """Base: share within the section (percent form) or points (points form).
    Bonus, penalty: the most points it adds or takes."""
    kind: Literal["base", "bonus", "penalty"] = "base"
    """Bonus and penalty stand apart from the base score."""
    na_allowed: bool = True
    """False: without an occasion it counts 0 instead of leaving the denominator."""
    critical: bool = False
    """A failed one (under the target) is named in the result; unlike auto-fail it takes nothing."""
    auto_fail: AutoFail | None = None
    enable_if: Condition | None = None
    requires_comment: bool = False
    """A person who changes its score must write why in words of their own."""
    help_text: Note = ""
    anchors: Annotated[tuple[Anchor, ...], msgspec.Meta(max_length=10)] = ()
    indicators: Annotated[tuple[Indicator, ...], msgspec.Meta(min_length=1, max_length=40)]

    def skill_weights(self) -> dict[str, int]:
        """Return every skill it counts for, with its weight."""
        return dict(self.skills) or {self.skill: 100}


class Section(Authored, frozen=True, kw_only=True):
    """A group of criteria."""

    key: Key
    title: Title
    weight: Weight
    """Share of the form; without meaning in a points form."""
    criteria: Annotated[tuple[Criterion, ...], msgspec.Meta(min_length=1, max_length=40)]


class Band(Authored, frozen=True, kw_only=True):
    """A rank of the overall score."""

    from_score: Score
    """The band holds from this score up to the next band's."""
    label: Title


class RubricSpec(Authored, frozen=True, kw_only=True):
    """One version of a rubric (a scorecard form). Status and version number are the library's."""

    slug: Annotated[str, msgspec.Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
    title: Title
    description: Note = ""
    language: Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]+)*$")] = "en"
    kind: Literal["percent", "points"] = "percent"
    """Percent: weighted means of means. Points: earned / applicable points."""
    target: Score
    """The overall score a team aims for; also the pass mark of an assessment."""
    bands: Annotated[tuple[Band, ...], msgspec.Meta(max_length=10)] = ()
    sections: Annotated[tuple[Section, ...], msgspec.Meta(min_length=1, max_length=20)]

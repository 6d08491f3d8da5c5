"""Query and answers of lists of assessments."""

from datetime import datetime
from typing import ClassVar

import msgspec

from services.api.assessments.records import Cause, Item, Origin, Source
from services.api.assessments.schemas import RubricView
from services.api.fields import public, utc
from services.api.filters.asked import ConversationQuery
from services.api.filters.expand import OF_ASSESSMENT
from shared.contracts.rubric import Score
from shared.contracts.scoring import SkillStatus
from shared.ids import format_id


class SkillNumberView(msgspec.Struct, frozen=True, kw_only=True):
    """One skill that the conversation gave occasion for."""

    skill: str
    status: SkillStatus
    score: Score | None


class AssessmentItem(msgspec.Struct, frozen=True, kw_only=True):
    """An assessment without its words: the numbers, and where they come from."""

    id: str
    scoring_id: str
    simulation_id: str | None
    conversation_id: str | None
    learner_id: str
    source: Source
    rubric: RubricView
    revision: int
    origin: Origin
    cause: Cause
    is_latest: bool
    """Whether this is the revision that counts."""
    overall: Score | None
    """0..100; None when too little could be observed."""
    skills: tuple[SkillNumberView, ...]
    occurred_at: datetime
    created_at: datetime

    @classmethod
    def of(cls, item: Item, hidden: frozenset[str]) -> "AssessmentItem":
        """Return the public form, without the skills that the tenant hides."""
        return cls(
            id=format_id("asm", item.assessment_id),
            scoring_id=format_id("scr", item.scoring_id),
            simulation_id=public("sim", item.simulation_id),
            conversation_id=public("conv", item.conversation_id),
            learner_id=format_id("lrn", item.learner_id),
            source=item.source,
            rubric=RubricView.of(item.rubric),
            revision=item.revision,
            origin=item.origin,
            cause=item.cause,
            is_latest=item.is_latest,
            overall=item.overall,
            skills=tuple(
                SkillNumberView(skill=each.skill, status=each.status, score=each.score)
                for each in item.skills
                if each.skill not in hidden
            ),
            occurred_at=utc(item.occurred_at),
            created_at=utc(item.created_at),
        )


class AssessmentQuery(ConversationQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    EXPANDABLE: ClassVar[tuple[str, ...]] = OF_ASSESSMENT

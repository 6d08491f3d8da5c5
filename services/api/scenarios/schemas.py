"""Answers of `/v1/scenarios`: what a learner may know before the conversation."""

from datetime import datetime

import msgspec

from services.api.fields import Slug, utc
from services.api.paging import PageQuery
from services.api.scenarios.repository import Scenario
from shared.contracts.scenario import Role, Temper
from shared.ids import format_id


class ScenarioQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    slug: Slug | None = None


class PersonaView(msgspec.Struct, frozen=True, kw_only=True):
    """Who the customer is, as far as the learner may know."""

    name: str
    summary: str


class ScenarioView(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario in its newest version."""

    id: str
    slug: str
    version: int
    title: str
    role: Role
    temper: Temper
    difficulty: int
    """1 easy .. 5 hard."""
    language: str
    brief: str
    goals: tuple[str, ...]
    persona: PersonaView
    rubric: str
    """Slug of the rubric that scores it."""
    max_turns: int
    idle_timeout_s: int
    expected_handle_time_s: int
    metadata: dict[str, str]
    """Your own keys and values."""
    created_at: datetime

    @classmethod
    def of(cls, scenario: Scenario) -> "ScenarioView":
        """Return the public form."""
        spec = scenario.spec
        return cls(
            id=format_id("scn", scenario.scenario_id),
            slug=spec.slug,
            version=scenario.version,
            title=spec.title,
            role=spec.role,
            temper=spec.temper,
            difficulty=spec.difficulty,
            language=spec.language,
            brief=spec.brief,
            goals=spec.goals,
            persona=PersonaView(name=spec.persona.name, summary=spec.persona.summary),
            rubric=spec.rubric,
            max_turns=spec.max_turns,
            idle_timeout_s=spec.idle_timeout_s,
            expected_handle_time_s=spec.expected_handle_time_s,
            metadata=scenario.metadata,
            created_at=utc(scenario.created_at),
        )

"""`demo.json`: what the demo saw, for tools and for whoever reads the README's numbers."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from infra.demo.practice import Conversation
from infra.demo.views import Assessment
from infra.devstack.files import write_private
from shared.contracts.reports.trend import TrendPoint

FILE_NAME: Final = "demo.json"


class Practiced(msgspec.Struct, frozen=True, kw_only=True):
    """One practice conversation."""

    scenario: str
    profile: str
    simulation_id: str
    assessment_id: str
    turns: int
    end_reason: str
    overall: int | None
    skills: dict[str, int | None]

    @classmethod
    def of(cls, slug: str, conversation: Conversation) -> "Practiced":
        """Return the record of a conversation."""
        return cls(
            scenario=slug,
            profile=conversation.profile,
            simulation_id=conversation.simulation_id,
            assessment_id=conversation.assessment.id,
            turns=len(conversation.turns),
            end_reason=conversation.end_reason,
            overall=conversation.assessment.overall,
            skills=skills_of(conversation.assessment),
        )


class TeamTrend(msgspec.Struct, frozen=True, kw_only=True):
    """One team's trend."""

    team_id: str
    name: str
    change: float
    """Mean change of the shown skills, last two weeks minus first two, in points."""
    points: tuple[TrendPoint, ...]


class Record(msgspec.Struct, kw_only=True):
    """Everything the demo saw; grows while it runs."""

    run_id: str
    api_url: str
    ok: bool = False
    error: str | None = None
    total_s: float = 0.0
    """From the first request to the last line; starting the servers is not in it."""
    phases_s: dict[str, float] = msgspec.field(default_factory=dict)
    turn_p50_ms: float | None = None
    turn_p95_ms: float | None = None
    """Over HTTP, from sending a learner's turn to having the reply."""
    requests: int = 0
    team_ids: dict[str, str] = msgspec.field(default_factory=dict)
    learner_id: str | None = None
    """Somebody to try practice with."""
    history_scorings: int = 0
    practices: list[Practiced] = msgspec.field(default_factory=list)
    autopilot: Practiced | None = None
    call_scoring_id: str | None = None
    call_overall: int | None = None
    trends: list[TeamTrend] = msgspec.field(default_factory=list)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a part of the demo, in seconds."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.phases_s[name] = round(time.perf_counter() - began, 3)

    def note_latencies(self, latencies_ms: Sequence[float]) -> None:
        """Keep median and 95th percentile of the turn latencies."""
        ordered = sorted(latencies_ms)
        self.turn_p50_ms = round(ordered[len(ordered) // 2], 1)
        self.turn_p95_ms = round(ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)], 1)

    def write(self, data_dir: Path) -> Path:
        """Write the file; readable by its owner only."""
        path = data_dir / FILE_NAME
        write_private(path, msgspec.json.format(msgspec.json.encode(self)))
        return path


def skills_of(assessment: Assessment) -> dict[str, int | None]:
    """Return score by skill that the rubric asks for; None where the judge gave no number."""
    return {skill.skill: skill.score for skill in assessment.asked}

"""Sensible answers to our own prompts, recognized by the first line of the system message."""

from typing import Final

from infra.llm_fake.answering import Planner
from infra.llm_fake.planners import authoring, judging, rendering, wording

PLANNERS: Final[dict[str, Planner]] = {
    "wording": wording.word,
    "rendering": rendering.render,
    "opening": rendering.opening,
    "judging": judging.judge,
    "scenario_draft": authoring.scenario_draft,
    "rubric_draft": authoring.rubric_draft,
}
"""By the name after `# rapport:`."""

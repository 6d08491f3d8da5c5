"""What the model is asked for when it drafts a rubric: the form, in behaviors that the judge knows.

Every field is required; what there is not is an empty list. Code checks each name against the
library, shares out weights, and reports what nothing could be found for.
"""

from typing import Annotated, Literal

import msgspec

from shared.contracts.base import Authored

Title = Annotated[str, msgspec.Meta(max_length=200)]
Note = Annotated[str, msgspec.Meta(max_length=800)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]


class OutlineCriterion(Authored, frozen=True, kw_only=True):
    """A line of the scorecard."""

    title: Title
    help_text: Note
    source: Note
    """The line of the scorecard, in its own words."""
    skill: Title
    """A key of the list of skills."""
    weight: Percent
    indicators: Annotated[tuple[Title, ...], msgspec.Meta(max_length=8)]
    """Keys of the list of indicators; empty when none comes close."""
    fails_form: Annotated[tuple[Title, ...], msgspec.Meta(max_length=4)]
    """Those of its bad indicators that fail the whole form."""
    is_critical: bool


class OutlineSection(Authored, frozen=True, kw_only=True):
    """A group of lines."""

    title: Title
    weight: Percent
    criteria: Annotated[tuple[OutlineCriterion, ...], msgspec.Meta(max_length=20)]


class OutlineGap(Authored, frozen=True, kw_only=True):
    """A line that no behavior in the list stands for."""

    source: Note
    why: Note


class RubricOutline(Authored, frozen=True, kw_only=True):
    """A whole outline."""

    title: Title
    description: Note
    kind: Literal["percent", "points"]
    target: Percent
    sections: Annotated[tuple[OutlineSection, ...], msgspec.Meta(max_length=12)]
    unmapped: Annotated[tuple[OutlineGap, ...], msgspec.Meta(max_length=40)]

"""What the model is asked for when it drafts a scenario: the story, none of the engine's numbers.

Every field is required, so that strict structured output can hold a model to it; what a case does
not have is an empty list or an empty text. Code fills in acts, trust, minds, skills and length.
"""

from typing import Annotated, Literal

import msgspec

from shared.contracts.base import Authored
from shared.contracts.dialogue import QuantityKind
from shared.contracts.scenario import Role, Temper, Whole

Short = Annotated[str, msgspec.Meta(max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=600)]
Lines = Annotated[tuple[Text, ...], msgspec.Meta(max_length=8)]
Stems = Annotated[tuple[Short, ...], msgspec.Meta(max_length=16)]
"""Beginnings of words, in lower case."""

Place = Annotated[int, msgspec.Meta(ge=0, le=20)]
"""The place in a list of the outline, from 0."""


class OutlinePersona(Authored, frozen=True, kw_only=True):
    """Who the customer is."""

    name: Short
    summary: Text
    style: Literal["curt", "chatty", "formal", "plain"]
    traits: Lines
    calms: Lines
    escalates: Lines


class OutlineCase(Authored, frozen=True, kw_only=True):
    """The slots that every scenario fills; their forms are in the prompt."""

    company: Short
    desk: Short
    customer: Short
    topic: Short
    my_topic: Short
    problem: Text
    impact: Text
    feeling: Short
    ownership: Text
    cause: Text
    verify: Text
    why_verify: Text
    disclosure: Text
    promise: Text
    deadline: Short
    policy: Text
    jargon: Text
    blame: Text
    quick_fix: Text
    upsell: Text


class OutlineFact(Authored, frozen=True, kw_only=True):
    """Something the customer hides until somebody asks well."""

    text: Text
    """The customer's own words."""
    marks: Annotated[tuple[Short, ...], msgspec.Meta(max_length=3)]
    """Words of `text` that stand nowhere else."""
    asked_about: Stems
    """What a question that opens it is about."""
    guard: Lines
    partial: Text
    reflected: Text


class OutlineStep(Authored, frozen=True, kw_only=True):
    """A required step of the process."""

    kind: Literal["identity", "disclosure", "explanation", "recap"]
    title: Text


class OutlineBound(Authored, frozen=True, kw_only=True):
    """A number of a deal; money in hundredths, null for no bound."""

    kind: QuantityKind
    about: Stems
    accept_min: Whole | None
    accept_max: Whole | None
    policy_min: Whole | None
    policy_max: Whole | None


class OutlineDeal(Authored, frozen=True, kw_only=True):
    """A good end."""

    title: Text
    """What the learner would do, after "I can"."""
    stems: Stems
    meets: Annotated[tuple[Place, ...], msgspec.Meta(max_length=10)]
    """Places in `needs`."""
    needs_facts: Annotated[tuple[Place, ...], msgspec.Meta(max_length=10)]
    """Places in `facts`."""
    bounds: Annotated[tuple[OutlineBound, ...], msgspec.Meta(max_length=4)]


class OutlineForbidden(Authored, frozen=True, kw_only=True):
    """A give-away that policy does not allow."""

    title: Text
    stems: Stems


class OutlineAnswer(Authored, frozen=True, kw_only=True):
    """What the customer says freely."""

    text: Text
    asked_about: Stems
    is_identity: bool
    """Answers the identity check."""


class OutlineTwist(Authored, frozen=True, kw_only=True):
    """Something that changes mid-way."""

    title: Short
    lines: Lines


class OutlineVoice(Authored, frozen=True, kw_only=True):
    """The customer's own lines by what they do; an empty bank gets common lines."""

    press: Lines
    vent: Lines
    object: Lines
    test: Lines
    deflect: Lines
    soften: Lines
    confused: Lines
    hesitate: Lines
    refuse: Lines
    bargain: Lines
    warn_leave: Lines
    accept: Lines
    farewell: Lines
    cut_short: Lines
    hang_up: Lines
    sarcasm: Lines
    insult: Lines
    """Needling at most."""


class ScenarioOutline(Authored, frozen=True, kw_only=True):
    """A whole outline."""

    title: Short
    role: Role
    temper: Temper
    brief: Annotated[str, msgspec.Meta(max_length=2500)]
    goals: Lines
    persona: OutlinePersona
    openings: Lines
    case: OutlineCase
    facts: Annotated[tuple[OutlineFact, ...], msgspec.Meta(max_length=6)]
    needs: Annotated[tuple[Short, ...], msgspec.Meta(max_length=6)]
    steps: Annotated[tuple[OutlineStep, ...], msgspec.Meta(max_length=4)]
    deals: Annotated[tuple[OutlineDeal, ...], msgspec.Meta(max_length=4)]
    forbidden: Annotated[tuple[OutlineForbidden, ...], msgspec.Meta(max_length=6)]
    answers: Annotated[tuple[OutlineAnswer, ...], msgspec.Meta(max_length=12)]
    twists: Annotated[tuple[OutlineTwist, ...], msgspec.Meta(max_length=2)]
    voice: OutlineVoice

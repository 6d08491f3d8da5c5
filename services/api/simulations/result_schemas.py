"""What a conversation came to, branches, and two conversations side by side."""

from typing import Annotated

import msgspec

from services.api.fields import SimulationId
from services.api.simulations.branches import Comparison, Side
from services.api.simulations.records import Ending, Scores, Simulation
from shared.audit.audit import fact_outcomes
from shared.contracts.scenario import Mind
from shared.contracts.simulation import FactOutcome, Outcome, outcome_of
from shared.ids import format_id


class BranchCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Go on from an earlier turn, in a conversation of its own."""

    from_seq: Annotated[
        int,
        msgspec.Meta(ge=0, le=1_000_000, description="The customer's turn to answer anew; even."),
    ]
    hints: Annotated[bool, msgspec.Meta(description="At most one short hint with each reply.")] = (
        False
    )
    word_budget: Annotated[
        Annotated[int, msgspec.Meta(ge=50, le=20_000)] | None,
        msgspec.Meta(description="Words the learner may use, those of the copied turns included."),
    ] = None


class ComparisonQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to compare with."""

    other: Annotated[SimulationId, msgspec.Meta(description="Another one of the same scenario.")]


class FactView(msgspec.Struct, frozen=True, kw_only=True):
    """A fact of the vault and how it ended."""

    key: str
    outcome: FactOutcome
    text: str | None
    """What the customer told; None while undiscovered."""


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """A required process step."""

    key: str
    title: str
    done: bool


class FaultView(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of the simulator, found by the audit."""

    code: str
    seq: int


class ResultView(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversation came to, so far."""

    simulation_id: str
    outcome: Outcome
    end_reason: str | None
    turns: int
    """Of the learner."""
    mind: Mind
    facts: tuple[FactView, ...]
    steps: tuple[StepView, ...]
    resolution: str | None
    """What was agreed, in words."""
    out_of_policy: tuple[str, ...]
    """Keys of what the learner gave against policy."""
    hints_given: int
    simulator_fault: bool | None
    """Whether the simulator failed the learner, which keeps the result out of trends; None until
    it is audited, when the conversation is scored."""
    faults: tuple[FaultView, ...]

    @classmethod
    def of(cls, simulation: Simulation, ending: Ending) -> "ResultView":
        """Return the public form."""
        state, spec = ending.state, ending.spec
        agreed = {item.key: item.title for item in spec.resolutions}
        return cls(
            simulation_id=format_id("sim", simulation.simulation_id),
            outcome=outcome_of(state),
            end_reason=simulation.end_reason,
            turns=state.turns,
            mind=state.mind,
            facts=_facts(ending),
            steps=tuple(
                StepView(key=step.key, title=step.title, done=step.key in state.done_steps)
                for step in spec.steps
            ),
            resolution=agreed.get(state.resolution or ""),
            out_of_policy=state.breaches,
            hints_given=ending.hints_given,
            simulator_fault=None if ending.faults is None else bool(ending.faults),
            faults=tuple(
                FaultView(code=fault.code, seq=fault.seq) for fault in ending.faults or ()
            ),
        )


class SideView(msgspec.Struct, frozen=True, kw_only=True):
    """One of two conversations."""

    result: ResultView
    prefix_hash: str
    """Of the turns that both share; equal on both sides when they are identical."""
    overall: int | None
    skills: dict[str, int]
    """Scores 0 to 100 by skill; empty until scored."""

    @classmethod
    def of(cls, side: Side) -> "SideView":
        """Return the public form."""
        scores = side.scores or Scores(overall=None, skills={})
        return cls(
            result=ResultView.of(side.simulation, side.ending),
            prefix_hash=side.prefix_hash,
            overall=scores.overall,
            skills=scores.skills,
        )


class DifferenceView(msgspec.Struct, frozen=True, kw_only=True):
    """Right minus left."""

    mind: dict[str, int]
    turns: int
    overall: int | None
    """None unless both have a score."""
    skills: dict[str, int]
    """Of skills that both have a score in."""
    facts_only_left: tuple[str, ...]
    facts_only_right: tuple[str, ...]


class ComparisonView(msgspec.Struct, frozen=True, kw_only=True):
    """Two conversations of one scenario, side by side."""

    common_seq: int
    """The last turn up to which both are identical; -1 when even the opening differs."""
    left: SideView
    right: SideView
    difference: DifferenceView

    @classmethod
    def of(cls, comparison: Comparison) -> "ComparisonView":
        """Return the public form."""
        left, right = SideView.of(comparison.left), SideView.of(comparison.right)
        return cls(
            common_seq=comparison.common_seq,
            left=left,
            right=right,
            difference=_difference(left, right),
        )


def _facts(ending: Ending) -> tuple[FactView, ...]:
    outcomes = fact_outcomes(ending.spec, ending.state, ending.faults or ())
    return tuple(
        FactView(
            key=fact.key,
            outcome=(outcome := outcomes[fact.key]),
            text=None if outcome is FactOutcome.UNDISCOVERED else fact.text,
        )
        for fact in ending.spec.facts
    )


def _difference(left: SideView, right: SideView) -> DifferenceView:
    minds = msgspec.structs.asdict(left.result.mind), msgspec.structs.asdict(right.result.mind)
    known = [
        {fact.key for fact in side.result.facts if fact.text is not None} for side in (left, right)
    ]
    both = None not in {left.overall, right.overall}
    return DifferenceView(
        mind={name: minds[1][name] - minds[0][name] for name in minds[0]},
        turns=right.result.turns - left.result.turns,
        overall=(right.overall or 0) - (left.overall or 0) if both else None,
        skills={
            name: score - left.skills[name]
            for name, score in right.skills.items()
            if name in left.skills
        },
        facts_only_left=tuple(sorted(known[0] - known[1])),
        facts_only_right=tuple(sorted(known[1] - known[0])),
    )

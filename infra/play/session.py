"""One practice conversation in memory: say something, look at why, go back, get assessed."""

from collections.abc import Sequence

from services.scoring_worker.judging.judge import judge
from services.scoring_worker.minds import known_outcome, mind_shifts
from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.playing import Exchange, Trace
from services.sim_worker.engine.wording import word
from shared.audit.audit import fact_outcomes
from shared.contracts.base import Record
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import ScenarioSpec, opening_line
from shared.contracts.scoring import JudgeResult, Transcript, TranscriptTurn
from shared.contracts.simulation import (
    EndReason,
    FactOutcome,
    Line,
    Outcome,
    PersonaState,
    outcome_of,
)


class Replay(Record, frozen=True, kw_only=True):
    """A whole conversation with its outcome: what `--json` prints."""

    trace: Trace
    outcome: Outcome
    facts: dict[str, FactOutcome]
    """Key and how it ended, in the scenario's order."""
    assessment: JudgeResult | None
    """None when the learner said nothing."""


class Session:
    """A conversation that can be rewound; the engine decides, this only remembers."""

    def __init__(
        self, scenario: ScenarioSpec, rubric: RubricSpec, *, seed: int, word_budget: int | None
    ) -> None:
        self.scenario = scenario
        self._rubric = rubric
        self._seed = seed
        self._word_budget = word_budget
        self.opening = opening_line(scenario, seed)
        self.exchanges: list[Exchange] = []
        self._closed = False

    @property
    def state(self) -> PersonaState:
        """What the customer remembers now."""
        return self.exchanges[-1].move.state if self.exchanges else start(self.scenario)

    @property
    def end_reason(self) -> EndReason | None:
        """Why it is over, or None."""
        if self.exchanges and self.exchanges[-1].move.end_reason is not None:
            return self.exchanges[-1].move.end_reason
        return EndReason.LEARNER_ENDED if self._closed else None

    def say(self, text: str) -> Exchange:
        """Return the customer's answer to what the learner says."""
        lines = self.lines()
        move = respond(
            self.scenario,
            self.state,
            text,
            seed=self._seed,
            seq=len(lines) + 1,
            word_budget=self._word_budget,
        )
        exchange = Exchange(learner=text, move=move, reply=word(self.scenario, move))
        self.exchanges.append(exchange)
        return exchange

    def back(self, steps: int) -> None:
        """Take back the last exchanges: what was said before them stays as it was."""
        del self.exchanges[max(0, len(self.exchanges) - steps) :]

    def close(self) -> None:
        """The learner stops here."""
        self._closed = True

    def lines(self) -> tuple[Line, ...]:
        """Return the conversation as it was heard."""
        return self._trace(EndReason.LEARNER_ENDED).lines()

    def replay(self) -> Replay:
        """Return everything about the conversation, scored."""
        trace = self._trace(self.end_reason or EndReason.LEARNER_ENDED)
        return Replay(
            trace=trace,
            outcome=outcome_of(trace.state),
            facts=fact_outcomes(self.scenario, trace.state, ()),
            assessment=self._assess() if self.exchanges else None,
        )

    def _trace(self, end_reason: EndReason) -> Trace:
        return Trace(
            scenario=self.scenario.slug,
            seed=self._seed,
            opening=self.opening,
            exchanges=tuple(self.exchanges),
            end_reason=end_reason,
            state=self.state,
        )

    def _assess(self) -> JudgeResult:
        answers = (
            (f"t{2 * number + 1}", exchange.move.causes)
            for number, exchange in enumerate(self.exchanges)
        )
        end_reason = self.end_reason or EndReason.LEARNER_ENDED
        transcript = Transcript(
            turns=_transcript(self.lines()),
            source="simulation",
            mind=mind_shifts(self.scenario, answers),
            outcome=known_outcome(self.state, end_reason),
        )
        return judge(transcript, self._rubric, required_steps=self.scenario.steps)


def _transcript(lines: Sequence[Line]) -> tuple[TranscriptTurn, ...]:
    return tuple(
        TranscriptTurn(id=f"t{seq}", role="agent" if seq % 2 else "customer", text=line.text)
        for seq, line in enumerate(lines)
    )

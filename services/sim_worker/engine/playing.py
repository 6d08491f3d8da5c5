"""Plays whole conversations without servers: a scripted learner, or given lines, and the engine."""

from collections.abc import Callable, Iterable, Sequence

from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.learners import next_line
from services.sim_worker.engine.wording import word
from shared.contracts.base import Record
from shared.contracts.scenario import ScenarioSpec, opening_line
from shared.contracts.simulation import EndReason, Line, Move, PersonaState

NextLine = Callable[[PersonaState, Sequence[Line]], str | None]
"""The learner: sees the state and the lines so far; None when there is nothing left to say."""


class Exchange(Record, frozen=True, kw_only=True):
    """What the learner said and how the customer answered."""

    learner: str
    move: Move
    reply: str


class Trace(Record, frozen=True, kw_only=True):
    """A whole conversation with everything the engine decided."""

    scenario: str
    seed: int
    opening: str
    exchanges: tuple[Exchange, ...]
    end_reason: EndReason
    state: PersonaState

    def lines(self) -> tuple[Line, ...]:
        """Return the conversation as it was heard."""
        said = [Line(role="customer", text=self.opening)]
        for exchange in self.exchanges:
            said.append(Line(role="agent", text=exchange.learner))
            said.append(Line(role="customer", text=exchange.reply))
        return tuple(said)


def play(scenario: ScenarioSpec, learner: NextLine, *, seed: int) -> Trace:
    """Return the conversation of a learner with the embedded customer, to its end."""
    state = start(scenario)
    lines = [Line(role="customer", text=opening_line(scenario, seed))]
    exchanges: list[Exchange] = []
    end_reason: EndReason | None = None
    while end_reason is None:
        said = learner(state, lines)
        if said is None:
            end_reason = EndReason.LEARNER_ENDED
            break
        move = respond(scenario, state, said, seed=seed, seq=len(lines) + 1)
        reply = word(scenario, move)
        lines += [Line(role="agent", text=said), Line(role="customer", text=reply)]
        exchanges.append(Exchange(learner=said, move=move, reply=reply))
        state, end_reason = move.state, move.end_reason
    return Trace(
        scenario=scenario.slug,
        seed=seed,
        opening=lines[0].text,
        exchanges=tuple(exchanges),
        end_reason=end_reason,
        state=state,
    )


def play_profile(scenario: ScenarioSpec, profile: str, *, seed: int) -> Trace:
    """Return the conversation of a scripted learner; raises `KeyError` for an unknown profile."""
    return play(
        scenario,
        lambda state, lines: next_line(profile, scenario, state, lines, seed=seed),
        seed=seed,
    )


def play_lines(scenario: ScenarioSpec, said: Iterable[str], *, seed: int) -> Trace:
    """Return the conversation of given lines; it ends when they do."""
    given = iter(said)
    return play(scenario, lambda _state, _lines: next(given, None), seed=seed)

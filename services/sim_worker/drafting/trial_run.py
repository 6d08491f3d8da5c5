"""Plays a drafted scenario with scripted learners, in memory."""

from collections.abc import Iterator
from itertools import groupby

from services.sim_worker.engine.conversation import start
from services.sim_worker.engine.playing import Trace, play_profile
from shared.audit.audit import AuditedTurn, audit
from shared.contracts.scenario import ScenarioSpec
from shared.drafting.trial import PROFILES, SEEDS, Played


def plays(spec: ScenarioSpec, *, seeds: int = SEEDS) -> Iterator[Played]:
    """Yield one conversation after the other, so that the caller may let others run between them.

    Each takes some 20 ms of the processor.
    """
    for profile in PROFILES:
        for seed in range(seeds):
            yield play_one(spec, profile, seed)


def play_one(spec: ScenarioSpec, profile: str, seed: int) -> Played:
    """Return what became of one conversation."""
    trace = play_profile(spec, profile, seed=seed)
    faults = audit(spec, _audited(spec, trace), trace.end_reason.value)
    replies = [exchange.reply for exchange in trace.exchanges]
    return Played(
        profile=profile,
        end_reason=trace.end_reason,
        open_facts=trace.state.open_facts,
        faults=tuple(fault.code for fault in faults),
        longest_repeat=max((len(list(same)) for _, same in groupby(replies)), default=0),
    )


def _audited(spec: ScenarioSpec, trace: Trace) -> tuple[AuditedTurn, ...]:
    turns = [AuditedTurn(seq=0, role="customer", text=trace.opening, state=start(spec))]
    for number, exchange in enumerate(trace.exchanges):
        seq = 2 * number + 2
        turns.append(AuditedTurn(seq=seq - 1, role="learner", text=exchange.learner))
        turns.append(
            AuditedTurn(
                seq=seq,
                role="customer",
                text=exchange.reply,
                state=exchange.move.state,
                surface=exchange.move.surface,
            )
        )
    return tuple(turns)

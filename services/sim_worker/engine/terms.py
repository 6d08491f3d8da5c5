"""Numbers in a deal, and what policy forbids: what the learner's words commit them to."""

import msgspec

from services.sim_worker.engine.commitments import Commitment, has_heads, stem_pattern
from shared.contracts.dialogue import Quantity
from shared.contracts.scenario import Resolution, ScenarioSpec, Term
from shared.contracts.simulation import PersonaState, Promise
from shared.dialogue.segments import content_stems

GIVE_AWAY = "give_away"
"""The breach of a gift without bound."""
_BEFORE, _AFTER = 45, 30
"""Characters around a number in which one of its term's stems must stand."""


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """What one turn commits the learner to."""

    values: dict[str, int] = {}
    """The number named for each term, by `term_key`."""
    is_short: bool = False
    """Whether a number goes the right way and not far enough for the customer."""
    breaches: tuple[str, ...] = ()
    """Keys of resolutions beyond policy, of forbidden things, or `give_away`."""
    promises: tuple[Promise, ...] = ()
    about: str = ""
    """Key of the solution that the turn puts forward first; empty when it puts forward none."""
    worse: bool = False
    """Whether a number is worse for the customer than the one named before."""


def term_key(resolution: Resolution, index: int) -> str:
    """Return the name under which the customer remembers a term's number."""
    return f"term:{resolution.key}:{index}"


def weigh(
    scenario: ScenarioSpec,
    state: PersonaState,
    said: tuple[Commitment, ...],
    proposed: list[Resolution],
) -> Deal:
    """Return what a turn commits to; `proposed` are the resolutions it puts forward."""
    if not said:
        return Deal()
    values: dict[str, int] = {}
    over: list[str] = []
    within = short = worse = False
    for item in proposed or scenario.resolutions:
        for index, term in enumerate(item.terms):
            named = [x for part in said for x in _named(part, term)]
            if not named:
                continue
            key, value = term_key(item, index), named[0]
            values[key] = value
            accepted, allowed = is_accepted(term, value), _is_allowed(term, value)
            short = short or not accepted
            within = within or allowed
            if accepted and not allowed:
                over.append(item.key)
            before = state.counts.get(key)
            worse = worse or (
                before is not None and before not in named and _is_worse(term, value, before)
            )
    return Deal(
        values=values,
        is_short=short,
        breaches=(*(() if within else dict.fromkeys(over)), *_given(scenario, said)),
        promises=_promises(scenario, state, said, proposed),
        about=proposed[0].key if proposed else "",
        worse=worse,
    )


def are_accepted(resolution: Resolution, counts: dict[str, int]) -> bool:
    """Say whether the customer takes every number that was named last for a resolution."""
    return all(
        is_accepted(term, counts[term_key(resolution, index)])
        for index, term in enumerate(resolution.terms)
        if term_key(resolution, index) in counts
    )


def is_accepted(term: Term, value: int) -> bool:
    """Say whether the customer takes this number."""
    low, high = term.accept_min, term.accept_max
    return (low is None or value >= low) and (high is None or value <= high)


def _is_allowed(term: Term, value: int) -> bool:
    low, high = term.policy_min, term.policy_max
    return (low is None or value >= low) and (high is None or value <= high)


def _is_worse(term: Term, value: int, before: int) -> bool:
    """Say whether a number moved against the customer; without their bounds nobody can tell."""
    if term.accept_min is not None:
        return value < before
    return term.accept_max is not None and value > before


def _named(part: Commitment, term: Term) -> list[int]:
    """Return the numbers of a term in a sentence, the one nearest to its stems first."""
    near = [
        (distance, number.value)
        for number in part.numbers
        if number.kind is term.kind
        and (distance := _distance(part, number, term.about)) is not None
    ]
    return [value for _, value in sorted(near, key=lambda pair: pair[0])]


def _distance(part: Commitment, number: Quantity, stems: tuple[str, ...]) -> int | None:
    if not has_heads(part.text, stems):
        return None
    low = max(part.start, number.start - _BEFORE)
    high = min(part.end, number.end + _AFTER)
    gaps = [
        max(0, match.start() - number.end, number.start - match.end())
        for match in stem_pattern(stems).finditer(part.text, low, high)
    ]
    return min(gaps, default=None)


def _given(scenario: ScenarioSpec, said: tuple[Commitment, ...]) -> list[str]:
    """Return the keys of what policy forbids and the turn gives; summing up gives nothing new."""
    found: list[str] = []
    for part in said:
        if part.is_recap or not part.live:
            continue
        found += [item.key for item in scenario.forbidden if part.names(item.topics)]
        if part.is_gift and not scenario.allows_give_away and not _is_own(scenario, part):
            found.append(GIVE_AWAY)
    return list(dict.fromkeys(found))


def _is_own(scenario: ScenarioSpec, part: Commitment) -> bool:
    """Say whether a sentence is one of the scenario's own solutions in so many words."""
    stems = content_stems(part.text[part.start : part.end])
    return any(
        len(own & stems) * 3 >= len(own) * 2
        for own in (content_stems(item.title) for item in scenario.resolutions)
    )


def _promises(
    scenario: ScenarioSpec,
    state: PersonaState,
    said: tuple[Commitment, ...],
    proposed: list[Resolution],
) -> tuple[Promise, ...]:
    earlier = [item for item in scenario.resolutions if item.key in state.proposed]
    found: list[Promise] = []
    for part in said:
        named = (x.key for x in (*proposed, *earlier) if x.topics and part.names(x.topics))
        about = next(named, "")
        counted = [(str(number.kind), str(number.value)) for number in part.numbers]
        counted += [("day", time) for time in part.times]
        found += [
            Promise(turn=state.turns + 1, kind=kind, value=value, about=about)
            for kind, value in counted
        ]
    return tuple(dict.fromkeys(found))

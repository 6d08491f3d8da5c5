"""Steps, good ends and what is forbidden, from an outline."""

from collections.abc import Sequence

from shared.contracts.dialogue import Act
from shared.contracts.scenario import Forbidden, Need, Resolution, ScenarioSpec, Step, Term
from shared.drafting import tidying
from shared.drafting.outline import OutlineBound, OutlineDeal, ScenarioOutline, Stems
from shared.library.lint.text import touches

_STEP_ACTS = {
    "identity": Act.VERIFY_IDENTITY,
    "disclosure": Act.DISCLOSE,
    "explanation": Act.EXPLAIN,
    "recap": Act.RECAP,
}
_ORDER = tuple(_STEP_ACTS)
_SPOKEN_SLOTS = {"disclosure": "disclosure", "explanation": "cause"}
"""Slots in whose words a learner does a step."""


def steps(outline: ScenarioOutline, case: dict[str, str]) -> tuple[Step, ...]:
    """Return the steps in the order of a conversation, each kind once."""
    first = {one.kind: one for one in reversed(outline.steps)}
    return tuple(
        Step(
            key=kind,
            title=tidying.clause(first[kind].title),
            acts=(_STEP_ACTS[kind],),
            topics=_spoken_stems(case.get(_SPOKEN_SLOTS.get(kind, ""), "")),
        )
        for kind in _ORDER
        if kind in first
    )


def _spoken_stems(text: str) -> tuple[str, ...]:
    """Return stems of a slot's own words: whoever reads the case aloud does the step."""
    return tidying.telling_words(text)[:4]


def deals(
    outline: ScenarioOutline,
    base: ScenarioSpec,
    needs: Sequence[Need],
    facts: Sequence[str],
    required: Sequence[Step],
) -> tuple[Resolution, ...]:
    """Return the good ends; trust and calm are those of the built-in scenario's, in its order."""
    keys = tidying.keyed([one.title for one in outline.deals], "deal")
    return tuple(
        _deal(key, one, base, number, needs, facts, required)
        for number, (key, one) in enumerate(zip(keys, outline.deals, strict=True))
    )


def _deal(
    key: str,
    one: OutlineDeal,
    base: ScenarioSpec,
    number: int,
    needs: Sequence[Need],
    facts: Sequence[str],
    required: Sequence[Step],
) -> Resolution:
    like = base.resolutions[min(number, len(base.resolutions) - 1)]
    title = tidying.clause(one.title)
    first = [step.key for step in required if step.key in {"identity", "disclosure"}]
    return Resolution(
        key=key,
        title=title,
        acts=(Act.OFFER, Act.NEXT_STEP),
        topics=titled(title, one.stems),
        meets=tuple(dict.fromkeys(needs[place].key for place in one.meets if place < len(needs))),
        terms=tuple(_term(title, bound) for bound in one.bounds if _is_bound(bound)),
        needs_facts=tuple(
            dict.fromkeys(facts[place] for place in one.needs_facts if place < len(facts))
        ),
        needs_steps=tuple(first[:1] if number == 0 else first),
        min_trust=like.min_trust,
        max_frustration=min(like.max_frustration, base.leaving.frustration - 20),
    )


def titled(title: str, stems: Stems) -> tuple[str, ...]:
    """Return stems by which an offer of this title is noticed."""
    return tidying.titled_stems(title, stems)


def _is_bound(bound: OutlineBound) -> bool:
    limits = (bound.accept_min, bound.accept_max, bound.policy_min, bound.policy_max)
    return any(limit is not None for limit in limits)


def _term(title: str, bound: OutlineBound) -> Term:
    return Term(
        kind=bound.kind,
        about=titled(title, bound.about) or ("offer",),
        accept_min=bound.accept_min,
        accept_max=bound.accept_max,
        policy_min=bound.policy_min,
        policy_max=bound.policy_max,
    )


def taboos(outline: ScenarioOutline, case: dict[str, str]) -> tuple[Forbidden, ...]:
    """Return what policy forbids, with stems that no right offer holds; one without any is left
    to the linter.
    """
    right = (*(one.title for one in outline.deals), case["promise"], case["disclosure"])
    keys = tidying.keyed([one.title for one in outline.forbidden], "forbidden")
    found = []
    for key, one in zip(keys, outline.forbidden, strict=True):
        title = tidying.clause(one.title)
        stems = tidying.titled_stems(title, one.stems, away_from=right)
        kept = stems if touches(title, stems) else tidying.stems_of(one.stems)
        found.append(Forbidden(key=key, title=title, topics=kept or (title.lower(),)))
    return tuple(found)

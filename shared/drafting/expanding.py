"""Makes a whole scenario of an outline: numbers, acts and skills come from the library."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from shared.contracts.dialogue import Act
from shared.contracts.scenario import (
    Answer,
    Dimension,
    Fact,
    Need,
    Opening,
    Persona,
    Role,
    ScenarioSpec,
    Temper,
    Twist,
    Voice,
)
from shared.drafting import tidying
from shared.drafting.dealing import deals, steps, taboos
from shared.drafting.outline import OutlineCase, OutlineFact, OutlineVoice, ScenarioOutline
from shared.drafting.wanted import ScenarioWanted
from shared.library import load_scenarios

LANGUAGE = "en"

OPENS_ON = (
    Act.OPEN_QUESTION,
    Act.PROBE,
    Act.ACKNOWLEDGE_IMPACT,
    Act.ACKNOWLEDGE_FEELING,
    Act.PARAPHRASE,
)
"""Acts of a good listener; any of them opens a fact, with its topic."""

FIRST_FACT = 14
"""Points of trust above the opening at which the first fact opens."""

PER_FACT = 8
TOP_FACT = 62
"""Points of trust from fact to fact, and where the last one opens at most."""

VOLUNTEERED = 74

GENERAL_STEMS = (
    ("worr", "affect", "hard"),
    ("matter", "outcome", "realistic"),
    ("tried", "already", "before"),
    ("what else", "comfortable", "around you", "today"),
)
"""Stems of questions that a skilled person asks anywhere; each fact gets two groups, so that it can
be found by somebody who does not know the scenario."""

TWIST_TURN = 6
TWIST_CHANGE: dict[Dimension, int] = {"frustration": 4, "patience": -3}

BASE_TURNS = 10
MIN_TURNS, MAX_TURNS = 14, 20


def nearest(role: Role, temper: Temper, difficulty: int | None) -> ScenarioSpec:
    """Return the built-in scenario whose numbers a draft borrows."""
    alike = [each for each in load_scenarios() if (each.role, each.temper) == (role, temper)]
    wanted = 3 if difficulty is None else difficulty
    return min(alike, key=lambda each: (abs(each.difficulty - wanted), each.slug))


def expand(
    outline: ScenarioOutline, wanted: ScenarioWanted, *, rubrics: Collection[str]
) -> ScenarioSpec:
    """Return the scenario; it may have faults, which the linter names.

    Args:
        outline: what the model wrote.
        wanted: what the author asked for; it goes before what the model chose.
        rubrics: slugs that exist.

    Raises:
        msgspec.ValidationError: a text or number does not fit where it belongs.
    """
    outline = tidying.cleaned(outline)
    role, temper = wanted.role or outline.role, wanted.temper or outline.temper
    base = nearest(role, temper, wanted.difficulty)
    title = wanted.title or outline.title
    seen: set[str] = set()
    openings = tidying.lines_of(outline.openings, seen)
    case = _case(outline.case)
    fact_keys = tidying.keyed([one.reflected or one.text for one in outline.facts], "fact")
    needs = tuple(
        Need(key=key, title=text)
        for key, text in zip(tidying.keyed(outline.needs, "need"), outline.needs, strict=True)
    )
    required = steps(outline, case)
    spec = ScenarioSpec(
        slug=wanted.slug or tidying.slug_of(role, temper, title),
        title=title,
        role=role,
        temper=temper,
        difficulty=wanted.difficulty or base.difficulty,
        language=LANGUAGE,
        brief=" ".join(outline.brief.split()),
        goals=outline.goals[:5],
        persona=_persona(outline, base),
        opening=Opening(lines=openings, mind=base.opening.mind),
        case=case,
        facts=_facts(outline, fact_keys, base, case),
        answers=_answers(outline, seen),
        steps=required,
        needs=needs,
        resolutions=deals(outline, base, needs, fact_keys, required),
        forbidden=taboos(outline, case),
        twists=_twists(outline, seen),
        voice=_voice(outline.voice, seen),
        rubric=_rubric(role, rubrics),
        max_turns=_turns(outline),
        idle_timeout_s=base.idle_timeout_s,
        expected_handle_time_s=base.expected_handle_time_s,
        leaving=base.leaving,
        max_hostility=1 if outline.voice.insult else 0,
        skills=base.skills,
    )
    return msgspec.convert(msgspec.to_builtins(spec), ScenarioSpec)


def _case(case: OutlineCase) -> dict[str, str]:
    told = {
        name: " ".join(str(text).replace("{", "").replace("}", "").split())
        for name, text in msgspec.structs.asdict(case).items()
    }
    whole = ("ownership", "blame")  # sentences; everything else goes on in one
    return {
        name: (f"{tidying.clause(text)}." if name in whole and text else tidying.clause(text))
        for name, text in told.items()
    }


def _persona(outline: ScenarioOutline, base: ScenarioSpec) -> Persona:
    person = outline.persona
    return Persona(
        name=person.name,
        summary=person.summary,
        style=person.style,
        traits=person.traits,
        calms=person.calms,
        escalates=person.escalates,
        soft_spots=base.persona.soft_spots,
        triggers=base.persona.triggers,
    )


def _facts(
    outline: ScenarioOutline, keys: Sequence[str], base: ScenarioSpec, case: dict[str, str]
) -> tuple[Fact, ...]:
    public = _public(outline, case)
    return tuple(
        _fact(key, one, number, base, (*public, *_others(outline, number)))
        for number, (key, one) in enumerate(zip(keys, outline.facts, strict=True))
    )


def _fact(
    key: str, one: OutlineFact, number: int, base: ScenarioSpec, elsewhere: Sequence[str]
) -> Fact:
    trust = min(TOP_FACT, base.opening.mind.trust + FIRST_FACT + PER_FACT * number)
    groups = len(GENERAL_STEMS)
    general = (*GENERAL_STEMS[number % groups], *GENERAL_STEMS[(number + 1) % groups])
    return Fact(
        key=key,
        text=one.text,
        marks=tidying.marks_of(one.text, one.marks, elsewhere),
        needs_acts=OPENS_ON,
        needs_topics=tuple(dict.fromkeys((*tidying.stems_of(one.asked_about), *general))),
        min_trust=trust,
        volunteer_trust=VOLUNTEERED,
        guard=tidying.lines_of(one.guard, set()),
        partial=one.partial,
        reflected=tidying.reflected(one.reflected),
    )


def _public(outline: ScenarioOutline, case: dict[str, str]) -> tuple[str, ...]:
    """Return what may be heard or read before any fact opens."""
    voice: dict[str, tuple[str, ...]] = msgspec.structs.asdict(outline.voice)
    return (
        *(outline.title, outline.brief, outline.persona.name, outline.persona.summary),
        *outline.goals,
        *outline.openings,
        *case.values(),
        *(step.title for step in outline.steps),
        *(answer.text for answer in outline.answers),
        *(line for twist in outline.twists for line in twist.lines),
        *(line for bank in voice.values() for line in bank),
    )


def _others(outline: ScenarioOutline, number: int) -> tuple[str, ...]:
    """Return every guard, and the texts of the facts but this one."""
    texts = [line for fact in outline.facts for line in (*fact.guard, fact.partial)]
    texts += [fact.text for place, fact in enumerate(outline.facts) if place != number]
    return tuple(texts)


def _answers(outline: ScenarioOutline, seen: set[str]) -> tuple[Answer, ...]:
    kept = [one for one in outline.answers if tidying.lines_of((one.text,), seen)]
    keys = tidying.keyed([" ".join(one.asked_about) or one.text for one in kept], "answer")
    return tuple(
        Answer(
            key=key,
            text=one.text,
            acts=(Act.VERIFY_IDENTITY,) if one.is_identity else (),
            topics=() if one.is_identity else tidying.stems_of(one.asked_about),
        )
        for key, one in zip(keys, kept, strict=True)
        if one.is_identity or tidying.stems_of(one.asked_about)
    )


def _twists(outline: ScenarioOutline, seen: set[str]) -> tuple[Twist, ...]:
    keys = tidying.keyed([twist.title for twist in outline.twists], "twist")
    made = []
    for place, (key, twist) in enumerate(zip(keys, outline.twists, strict=True)):
        lines = tidying.lines_of(twist.lines, seen)
        if lines:
            turn = TWIST_TURN + 3 * place
            made.append(
                Twist(key=key, title=twist.title, lines=lines, turn=turn, change=dict(TWIST_CHANGE))
            )
    return tuple(made)


def _voice(voice: OutlineVoice, seen: set[str]) -> Voice:
    told: dict[str, Any] = {name: tidying.lines_of(bank, seen) for name, bank in _banks(voice)}
    insult = told.pop("insult")
    return Voice(**told, insult={"1": insult} if insult else {})


def _banks(voice: OutlineVoice) -> list[tuple[str, tuple[str, ...]]]:
    return [(name, getattr(voice, name)) for name in voice.__struct_fields__]


def _rubric(role: Role, rubrics: Collection[str]) -> str:
    """Return the rubric of the role where there is one."""
    return next(
        (slug for slug in (role.value, "general") if slug in rubrics),
        min(rubrics, default=role.value),
    )


def _turns(outline: ScenarioOutline) -> int:
    needed = BASE_TURNS + len(outline.facts) + len(outline.steps)
    return max(MIN_TURNS, min(MAX_TURNS, needed))

"""Rules for brief, persona, opening, hostility and leaving."""

from collections.abc import Iterator

from shared.contracts.scenario import Temper, Touch
from shared.library.lint.findings import Finding, fault
from shared.library.lint.subject import HURTFUL, Subject

FEW_GOALS, MANY_GOALS = 3, 5
FEW_OPENINGS = 3

TIRED = 30
"""Patience at or below which frustration alone makes the customer leave."""

TEMPERS: dict[Temper, tuple[str, int, int]] = {
    Temper.ANGRY: ("frustration", 50, 100),
    Temper.FRUSTRATED: ("frustration", 50, 100),
    Temper.SUSPICIOUS: ("trust", 0, 40),
    Temper.NERVOUS: ("anxiety", 60, 100),
    Temper.DEFENSIVE: ("fairness", 0, 50),
    Temper.CONFUSED: ("clarity", 0, 35),
}
"""The level of the opening mind that makes each temper, with its bounds."""

GOOD_WHEN_HIGH = {"trust": 1, "patience": 1, "clarity": 1, "fairness": 1}
"""Dimensions of which more is better; of the others less is."""


def brief(subject: Subject) -> Iterator[Finding]:
    """Look at what the learner reads, and at the first line."""
    spec = subject.spec
    if not FEW_GOALS <= len(spec.goals) <= MANY_GOALS:
        yield fault("goals-few", "/goals", f"there are {len(spec.goals)}")
    if len(spec.opening.lines) < FEW_OPENINGS:
        yield fault("openings-few", "/opening/lines", f"there are {len(spec.opening.lines)}")


def opening(subject: Subject) -> Iterator[Finding]:
    """Look at the mind with which the customer arrives."""
    spec = subject.spec
    mind = spec.opening.mind
    name, low, high = TEMPERS[spec.temper]
    level = getattr(mind, name)
    if not low <= level <= high:
        message = f"{spec.temper} with {name} {level}; {low} to {high} would fit"
        yield fault("mind-not-of-temper", f"/opening/mind/{name}", message)
    if mind.patience <= spec.leaving.patience:
        message = f"patience {mind.patience}, the customer leaves at {spec.leaving.patience}"
        yield fault("leaves-at-once", "/opening/mind/patience", message)
    if mind.patience <= TIRED and mind.frustration >= spec.leaving.frustration:
        message = (
            f"frustration {mind.frustration}, the customer leaves at {spec.leaving.frustration}"
        )
        yield fault("leaves-at-once", "/opening/mind/frustration", message)


def persona(subject: Subject) -> Iterator[Finding]:
    """Look at what touches this person."""
    person = subject.spec.persona
    if not person.triggers:
        yield fault("trigger-missing", "/persona/triggers", "nothing hurts this person more")
    if not person.soft_spots:
        yield fault("soft-spot-missing", "/persona/soft_spots", "nothing helps this person more")
    for number, act in enumerate(person.soft_spots):
        path = f"/persona/soft_spots/{number}"
        if act in person.triggers:
            yield fault("trigger-is-soft-spot", path, f"{act} is among the triggers as well")
        if act in HURTFUL:
            yield fault("soft-spot-hurts", path, f"{act} hurts everybody")
    thin = [name for name in ("traits", "calms", "escalates") if not getattr(person, name)]
    if thin:
        yield fault("portrait-thin", "/persona", f"nothing in {', '.join(thin)}")
    yield from _touches("/persona/sore_points", person.sore_points, helps=False)
    yield from _touches("/persona/warm_points", person.warm_points, helps=True)


def _touches(path: str, touched: tuple[Touch, ...], *, helps: bool) -> Iterator[Finding]:
    for number, touch in enumerate(touched):
        for name, points in touch.change.items():
            does_good = points * GOOD_WHEN_HIGH.get(name, -1) > 0
            if points and does_good is not helps:
                message = f"{name} {points:+d} does {'good' if does_good else 'harm'}"
                yield fault("touch-wrong-way", f"{path}/{number}/change/{name}", message)


def hostility(subject: Subject) -> Iterator[Finding]:
    """Compare the insults with what the scenario allows."""
    spec = subject.spec
    allowed = {str(level) for level in range(1, spec.max_hostility + 1)}
    for level in spec.voice.insult:
        path = f"/voice/insult/{level.replace('~', '~0').replace('/', '~1')}"
        if level not in {"1", "2", "3"}:
            yield fault("insult-level-unknown", path, f"there is no level {level!r}")
        elif level not in allowed:
            message = f"max_hostility is {spec.max_hostility}"
            yield fault("insult-unused", path, message)
    missing = sorted(allowed - {level for level, lines in spec.voice.insult.items() if lines})
    if missing:
        message = f"none of level {', '.join(missing)}"
        yield fault("insult-missing", "/voice/insult", message)

"""Rules for steps, twists and the length of the conversation."""

from collections.abc import Iterator

from shared.contracts.dialogue import Act
from shared.contracts.scenario import Step, Twist
from shared.library.lint.findings import Finding, fault
from shared.library.lint.subject import HURTFUL, Subject
from shared.library.lint.text import touches

READ_ALOUD = ("disclosure", "cause", "promise")
"""Slots of the case in whose words a learner discloses and explains."""

FRAME_TURNS = 2
"""A greeting and an offer."""


def steps(subject: Subject) -> Iterator[Finding]:
    """Find steps that nobody can do."""
    spec = subject.spec
    for number, step in enumerate(spec.steps):
        path = f"/steps/{number}"
        if not step.acts:
            yield fault("step-asks-for-nothing", f"{path}/acts", f"nothing does {step.key}")
        elif HURTFUL.issuperset(step.acts):
            message = f"{step.key} is done by {', '.join(step.acts)}"
            yield fault("step-needs-harm", f"{path}/acts", message)
        if step.key in subject.cyclic_steps:
            message = f"{step.key} comes before itself"
            yield fault("step-cycle", f"{path}/before", message)
        if _is_told(step) and not _is_in_case(subject, step):
            message = f"{step.key}: none of {', '.join(step.topics)}"
            yield fault("step-not-in-case", f"{path}/topics", message)
    asked = any(Act.VERIFY_IDENTITY in step.acts for step in spec.steps)
    if asked and not any(Act.VERIFY_IDENTITY in answer.acts for answer in spec.answers):
        message = "nobody can say who they are"
        yield fault("identity-answer-missing", "/answers", message)


def _is_told(step: Step) -> bool:
    return bool(step.topics) and bool({Act.DISCLOSE, Act.EXPLAIN} & set(step.acts))


def _is_in_case(subject: Subject, step: Step) -> bool:
    case = subject.spec.case
    return any(touches(case.get(slot, ""), step.topics) for slot in READ_ALOUD)


def twists(subject: Subject) -> Iterator[Finding]:
    """Find twists that never happen."""
    for number, twist in enumerate(subject.spec.twists):
        if twist.key not in subject.twists:
            message = f"{twist.key} {_why(subject, twist)}"
            yield fault("twist-never-fires", f"/twists/{number}", message)


def _why(subject: Subject, twist: Twist) -> str:
    if twist.turn is None and twist.after_fact is None and twist.after_proposal is None:
        return "has no condition"
    if twist.turn is not None:
        return f"waits for turn {twist.turn} of {subject.spec.max_turns}"
    return "waits for something that cannot come"


def length(subject: Subject) -> Iterator[Finding]:
    """Compare the turns with what has to be done in them."""
    spec = subject.spec
    needed = len(spec.facts) + len(spec.steps) + FRAME_TURNS
    if spec.max_turns < needed:
        message = f"{spec.max_turns} turns for what takes {needed}"
        yield fault("turns-few", "/max_turns", message)

"""Process adherence: checks of the whole conversation, from the rubric or a scenario's steps."""

from collections.abc import Callable, Sequence

from services.scoring_worker.judging.detectors.counting import (
    Detector,
    Find,
    act,
    anywhere,
    bad_act,
    once,
)
from services.scoring_worker.judging.detectors.said import Said, widen
from services.scoring_worker.judging.detectors.scene import look
from services.scoring_worker.judging.detectors.terms import ACCOUNT_DETAIL, SECRET, SECRET_WARNING
from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.reading import Reading, ReadTurn, opening_sentence
from services.scoring_worker.judging.words import Span, fold, mentions
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Step

AT_END, EARLY = 5, 5
"""Agent turns that make the end and the beginning: a long talk gives no more chances than a short
one."""

FRAMED_FROM = 4
"""Agent turns from which a conversation has room for a greeting, a recap and a close."""

_VERIFIES = act(Act.VERIFY_IDENTITY)

Part = Callable[[Sequence[Said]], Sequence[Said]]
"""Picks the turns of the conversation in which a step has its place."""


def whole(turns: Sequence[Said]) -> Sequence[Said]:
    """All of them."""
    return turns


def first_half(turns: Sequence[Said]) -> Sequence[Said]:
    """The first half, with the middle one, and no more than the first few."""
    return beginning(turns[: (len(turns) + 1) // 2])


def second_half(turns: Sequence[Said]) -> Sequence[Said]:
    """The second half, with the middle one, and no more than the last few."""
    return end(turns[len(turns) // 2 :])


def beginning(turns: Sequence[Said]) -> Sequence[Said]:
    """The first few, however long the conversation is."""
    return turns[:EARLY]


def end(turns: Sequence[Said]) -> Sequence[Said]:
    """The last few, however long the conversation is."""
    return turns[-AT_END:]


def step(part: Part, find: Find, *, late: bool = False) -> Detector:
    """Return a detector: was this done at least once in this part of the conversation?"""
    return lambda reading: once(part(look(reading).judged), find, late=late)


def frame(part: Part, find: Find, *, late: bool = False) -> Detector:
    """Do as `step` does for what frames a conversation: one too short has no room for a frame.

    There it does not count either way, for who does it would otherwise be compared with nobody.
    """

    def detect(reading: Reading) -> Finding:
        turns = look(reading).judged
        return once(part(turns) if len(turns) >= FRAMED_FROM else (), find, late=late)

    return detect


def _secret(said: Said) -> Span | None:
    if SECRET.words.isdisjoint(said.scan.words):
        return None
    text = fold(said.text)
    for match in SECRET.regex.finditer(text):
        sentence = said.sentence(Span(*match.span()))
        if not SECRET_WARNING.search(text[sentence.start : sentence.end]):
            return sentence
    return None


def before_verification(reading: Reading) -> list[Said]:
    """Return the agent turns before the identity is checked."""
    before: list[Said] = []
    for said in look(reading).judged:
        if Act.VERIFY_IDENTITY in said.acts:
            break
        before.append(said)
    return before


def details_before_verification(reading: Reading) -> Finding:
    """Account details are spoken before the identity is checked."""
    return once(before_verification(reading), Find(account_detail))


def verifies_when_needed(reading: Reading) -> Finding:
    """The identity is checked; owed only where an account or its details come up."""
    turns = look(reading).judged
    checks = any(Act.VERIFY_IDENTITY in said.acts for said in turns)
    if not checks and all(account_detail(said) is None for said in turns):
        return Finding(census=True)
    return once(turns, _VERIFIES)


def account_detail(said: Said) -> Span | None:
    """Find what a stranger must not hear about the account."""
    return said.search(ACCOUNT_DETAIL, said.text)


def find_step(turn: ReadTurn, wanted: Step) -> Span | None:
    """Return the words that do the step in this turn: an act, and a topic if it names any."""
    span = turn.best(frozenset(wanted.acts))
    if span is None or (wanted.topics and not mentions(turn.seen, wanted.topics)):
        return None
    return widen(turn.turn.text, span.start, span.end)


_STEP_INDICATORS: dict[Act, str] = {
    Act.GREET: "greets",
    Act.VERIFY_IDENTITY: "verifies_identity",
    Act.DISCLOSE: "discloses_terms",
    Act.OPEN_QUESTION: "asks_about_needs",
    Act.CLOSED_QUESTION: "asks_before_fixing",
    Act.OFFER: "offers_option",
    Act.NEXT_STEP: "sets_next_step",
    Act.REASSURE: "reassures",
    Act.EXPLAIN: "explains",
    Act.ACKNOWLEDGE_FEELING: "acknowledges_feeling",
    Act.ACKNOWLEDGE_IMPACT: "acknowledges_impact",
    Act.APOLOGIZE: "owns_the_trouble",
    Act.TAKE_OWNERSHIP: "owns_the_trouble",
    Act.PARAPHRASE: "paraphrases",
    Act.CHECK_UNDERSTANDING: "checks_understanding",
    Act.RECAP: "recaps",
    Act.CLOSE: "closes",
    Act.THANK: "closes",
}
"""The indicator whose advice fits a step that is done by this act."""

_LATE = frozenset({Act.RECAP, Act.CLOSE, Act.THANK, Act.NEXT_STEP})
"""Steps that have their place at the end."""


def step_indicator(step: Step) -> str:
    """Return the key of the indicator that comes closest to a step: its advice fits."""
    return next((_STEP_INDICATORS[act] for act in step.acts if act in _STEP_INDICATORS), "recaps")


def required_step(step: Step) -> Detector:
    """Return a detector: was this step done at least once?"""

    def detect(reading: Reading) -> Finding:
        late = bool(_LATE.intersection(step.acts))
        return once(look(reading).judged, Find(lambda said: find_step(said.turn, step)), late=late)

    return detect


def out_of_order(steps: tuple[Step, ...]) -> Detector:
    """Return a detector: a step came although the one that must come first had not been done."""
    known = {step.key: step for step in steps}
    rules = [(step, known[step.before]) for step in steps if step.before in known]

    def detect(reading: Reading) -> Finding:
        if not reading.agent:
            return Finding(census=True)
        return Finding(
            observations=tuple(_order(reading, first, later) for first, later in rules), census=True
        )

    return detect


def _order(reading: Reading, first: Step, later: Step) -> Observation:
    """Walk the turns until one side of the rule shows; within one turn the earlier words count."""
    for turn in reading.agent:
        early, late = find_step(turn, first), find_step(turn, later)
        if early is not None and (late is None or early.start <= late.start):
            return Observation(agent=turn.index, start=early.start, end=early.end, hit=False)
        if late is not None:
            return Observation(agent=turn.index, start=late.start, end=late.end, hit=True)
    start, end = opening_sentence(reading.agent[0])
    return Observation(agent=reading.agent[0].index, start=start, end=end, hit=False)


PROCESS: dict[str, Detector] = {
    # The first or second agent turn greets.
    "greets": frame(lambda turns: turns[:2], act(Act.GREET)),
    # The agent makes sure to whom they speak.
    "verifies_identity": step(whole, act(Act.VERIFY_IDENTITY)),
    # The agent says openly what there is a right to know: purpose, price, conditions.
    "discloses_terms": step(whole, act(Act.DISCLOSE)),
    # The first half, at most the first few turns, asks an open question.
    "asks_about_needs": frame(first_half, act(Act.OPEN_QUESTION)),
    # The agent offers a way to pay, or another arrangement.
    "offers_arrangement": frame(whole, act(Act.OFFER)),
    # The agent says what is safe, or takes the hurry out.
    "reassures": frame(whole, act(Act.REASSURE)),
    # The second half, at most the last few turns, sums up.
    "recaps": frame(second_half, act(Act.RECAP), late=True),
    # The last two agent turns close or thank.
    "closes": frame(lambda turns: turns[-2:], act(Act.CLOSE, Act.THANK), late=True),
    # The second half, at most the last few turns, says what happens next.
    "sets_next_step": frame(second_half, act(Act.NEXT_STEP), late=True),
    # The same in the first and the last few turns, wherever the middle is.
    "asks_early": frame(beginning, act(Act.OPEN_QUESTION)),
    "agrees_next_step": frame(end, act(Act.NEXT_STEP), late=True),
    "sums_up_at_end": frame(end, act(Act.RECAP), late=True),
    # The agent asks for a PIN, a password, a one-time code or a full card number.
    "asks_for_secret": anywhere(Find(_secret)),
    "verifies_when_needed": verifies_when_needed,
    "details_before_verification": details_before_verification,
    "threatens": bad_act(Act.THREATEN),
    "pressures": bad_act(Act.PRESSURE),
}
"""Indicator key and its detector."""

"""Process adherence: checks of the whole conversation, from the rubric or a scenario's steps."""

from services.scoring_worker.judging.detectors.counting import (
    Detector,
    act_finder,
    bad_act,
    once,
    per_turn,
    widen,
)
from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.phrases import PHRASES, either
from services.scoring_worker.judging.reading import Reading, ReadTurn, opening_sentence
from services.scoring_worker.judging.words import Span, fold, mentions
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Step

SECRET, SECRET_WARNING = either(PHRASES.secret), either(PHRASES.secret_warning)
ACCOUNT_DETAIL = either(PHRASES.account_detail)


def greets(reading: Reading) -> Finding:
    """The first or second agent turn greets."""
    return once(reading.agent[:2], act_finder(frozenset({Act.GREET})))


def verifies_identity(reading: Reading) -> Finding:
    """The agent makes sure to whom they speak."""
    return once(reading.agent, act_finder(frozenset({Act.VERIFY_IDENTITY})))


def discloses_terms(reading: Reading) -> Finding:
    """The agent says openly what there is a right to know: purpose, price, conditions."""
    return once(reading.agent, act_finder(frozenset({Act.DISCLOSE})))


def asks_about_needs(reading: Reading) -> Finding:
    """The first half of the conversation asks an open question."""
    half = reading.agent[: (len(reading.agent) + 1) // 2]
    return once(half, act_finder(frozenset({Act.OPEN_QUESTION})))


def offers_arrangement(reading: Reading) -> Finding:
    """The agent offers a way to pay, or another arrangement."""
    return once(reading.agent, act_finder(frozenset({Act.OFFER})))


def reassures(reading: Reading) -> Finding:
    """The agent says what is safe, or takes the hurry out."""
    return once(reading.agent, act_finder(frozenset({Act.REASSURE})))


def recaps(reading: Reading) -> Finding:
    """The second half of the conversation sums up."""
    half = reading.agent[len(reading.agent) // 2 :]
    return once(half, act_finder(frozenset({Act.RECAP})), late=True)


def closes(reading: Reading) -> Finding:
    """The last two agent turns close or thank."""
    return once(reading.agent[-2:], act_finder(frozenset({Act.CLOSE, Act.THANK})), late=True)


def sets_next_step(reading: Reading) -> Finding:
    """The second half of the conversation says what happens next."""
    half = reading.agent[len(reading.agent) // 2 :]
    return once(half, act_finder(frozenset({Act.NEXT_STEP})), late=True)


def asks_for_secret(reading: Reading) -> Finding:
    """The agent asks for a PIN, a password, a one-time code or a full card number."""
    return per_turn(reading, _secret)


def _secret(turn: ReadTurn) -> Span | None:
    text = fold(turn.turn.text)
    for match in SECRET.finditer(text):
        sentence = widen(turn, match.start(), match.end())
        if not SECRET_WARNING.search(text[sentence.start : sentence.end]):
            return sentence
    return None


def details_before_verification(reading: Reading) -> Finding:
    """Account details are spoken before the identity is checked."""
    before = []
    for turn in reading.agent:
        if turn.analysis.has(Act.VERIFY_IDENTITY):
            break
        before.append(turn)
    return once(before, _detail)


def _detail(turn: ReadTurn) -> Span | None:
    match = ACCOUNT_DETAIL.search(fold(turn.turn.text))
    return None if match is None else widen(turn, match.start(), match.end())


def find_step(turn: ReadTurn, step: Step) -> Span | None:
    """Return the words that do the step in this turn: an act, and a topic if it names any."""
    found = act_finder(frozenset(step.acts))(turn)
    if found is None or not step.topics:
        return found
    return found if mentions(turn.seen, step.topics) else None


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
        return once(reading.agent, lambda turn: find_step(turn, step), late=late)

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
    "greets": greets,
    "verifies_identity": verifies_identity,
    "discloses_terms": discloses_terms,
    "asks_about_needs": asks_about_needs,
    "offers_arrangement": offers_arrangement,
    "reassures": reassures,
    "recaps": recaps,
    "closes": closes,
    "sets_next_step": sets_next_step,
    "asks_for_secret": asks_for_secret,
    "details_before_verification": details_before_verification,
    "threatens": bad_act(Act.THREATEN),
    "pressures": bad_act(Act.PRESSURE),
}
"""Indicator key and its detector."""

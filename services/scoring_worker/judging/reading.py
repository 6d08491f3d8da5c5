"""A transcript, read once: turns analyzed, customer cues found, turns paired into exchanges."""

import msgspec

from services.scoring_worker.judging.customer import (
    CustomerCues,
    Feeling,
    analyze_customer,
    read_customer,
)
from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.respelling import Respelled, respell
from services.scoring_worker.judging.shield import blank, suspicious, unspoken
from services.scoring_worker.judging.words import Span, is_telling, sentence_at, sentences
from shared.contracts.base import Record
from shared.contracts.dialogue import Act, ActSpan, TurnAnalysis
from shared.contracts.scoring import Transcript, TranscriptTurn
from shared.dialogue.analyzer import analyze

_COURTESY = frozenset({Act.GREET, Act.THANK})
CLEAR = 2
"""Strength from which a span counts as a sign of bad behavior."""


class ReadTurn(Record, frozen=True, kw_only=True):
    """One turn with everything the detectors look at."""

    index: int
    """Position in the transcript."""
    turn: TranscriptTurn
    """An agent's is respelled; `written` leads back."""
    seen: str
    """The text with sentences that must not earn anything blanked; same length as `turn.text`."""
    analysis: TurnAnalysis
    """Acts of `seen`: what good indicators look at; a customer's only as far as needed."""
    raw: TurnAnalysis
    """Acts of the original text: what bad indicators look at."""
    cues: CustomerCues | None
    """Only for customer turns."""
    flags: tuple[str, ...] = ()
    respelled: Respelled | None = None
    """Of an agent turn that was written in an unusual way."""

    given: TranscriptTurn | None = None
    """That turn as it stands in the transcript."""

    def as_written(self, span: Span) -> tuple[TranscriptTurn, int, int]:
        """Return the turn of the transcript, and the span in it: what is needed to cite it."""
        return (self.given or self.turn, *self.written(span))

    def written(self, span: Span) -> Span:
        """Return where a span of this turn stands in the transcript as it was written."""
        if self.respelled is None or span.end <= span.start:
            return span
        start, end = self.respelled.origin(span.start), self.respelled.origin(span.end, is_end=True)
        return Span(start, max(start + 1, end))

    @property
    def counts(self) -> bool:
        """Say whether something is left to judge after blanking."""
        return not self.seen.isspace() and self.seen != ""

    def best(self, acts: frozenset[Act]) -> ActSpan | None:
        """Return the span of these acts that shows most: in a full sentence, strong, early."""
        spans = [span for span in self.analysis.acts if span.act in acts]
        return max(spans, key=self._worth, default=None)

    def _worth(self, span: ActSpan) -> tuple[bool, int]:
        sentence = sentence_at(self.turn.text, span.start)
        return is_telling(self.turn.text[sentence.start : sentence.end]), span.strength

    def first(self, acts: frozenset[Act]) -> ActSpan | None:
        """Return the first span of any of these acts in what may earn something."""
        return next((span for span in self.analysis.acts if span.act in acts), None)

    def first_bad(self, acts: frozenset[Act]) -> ActSpan | None:
        """Return the first clear span of any of these acts in the original text.

        An accusation needs a clear sign, and a sentence that takes the fault on itself is no blame.
        """
        owned = [
            sentence_at(self.turn.text, span.start)
            for span in self.raw.acts
            if span.act is Act.TAKE_OWNERSHIP
        ]
        for span in self.raw.acts:
            if span.act not in acts or span.strength < CLEAR:
                continue
            if span.act is Act.BLAME and any(s.start <= span.start < s.end for s in owned):
                continue
            return span
        return None


class Exchange(Record, frozen=True, kw_only=True):
    """What the customer said and what the agent answered, each one turn or more."""

    customer: tuple[ReadTurn, ...]
    """Empty when the agent opens the conversation."""
    agent: tuple[ReadTurn, ...]
    """Never empty, and at least one turn counts."""

    @property
    def customer_text(self) -> str:
        """Everything the customer said in this exchange, one line per turn."""
        return "\n".join(turn.turn.text for turn in self.customer)

    @property
    def felt(self) -> ReadTurn | None:
        """The last customer turn that shows a feeling or a hardship.

        Confusion is left out: what it asks for is an explanation.
        """
        found = [
            turn
            for turn in self.customer
            if turn.cues is not None and turn.cues.feeling not in {None, Feeling.CONFUSION}
        ]
        return found[-1] if found else None

    @property
    def cause(self) -> int | None:
        """Position of the customer turn to quote beside the answer: the felt one, else the last."""
        turn = self.felt or (self.customer[-1] if self.customer else None)
        return None if turn is None else turn.index

    @property
    def settled(self) -> bool:
        """Say whether the customer thanked or agreed and left nothing open."""
        found = [turn.cues for turn in self.customer if turn.cues is not None]
        return bool(found) and all(cues.settled for cues in found)

    def shows(self, cue: str) -> bool:
        """Say whether any customer turn shows this boolean cue."""
        return any(turn.cues is not None and getattr(turn.cues, cue) for turn in self.customer)


class Reading(Record, frozen=True, kw_only=True):
    """The whole conversation, read."""

    turns: tuple[ReadTurn, ...]
    agent: tuple[ReadTurn, ...]
    """Agent turns with something to judge."""
    exchanges: tuple[Exchange, ...]
    heard: dict[int, int]
    """Position of an agent turn -> position of the customer turn that it answers."""
    flags: tuple[str, ...]
    """Sorted, without repetition."""
    respelled: bool
    """Whether any turn was."""

    def written(self, finding: Finding) -> Finding:
        """Return a finding with its places in the transcript as it was written."""
        if not self.respelled:
            return finding
        return Finding(
            observations=tuple(map(self._written, finding.observations)), census=finding.census
        )

    def _written(self, item: Observation) -> Observation:
        start, end = self.turns[item.agent].written(Span(item.start, item.end))
        return msgspec.structs.replace(item, start=start, end=end)


def read(transcript: Transcript) -> Reading:
    """Analyze every turn once and pair the turns into exchanges."""
    turns: list[ReadTurn] = []
    heard: list[str] = []
    for index, turn in enumerate(transcript.turns):
        if turn.role == "customer":
            heard = (
                [*heard, turn.text] if turns and turns[-1].turn.role == "customer" else [turn.text]
            )
            turns.append(_read_customer(index, turn))
        else:
            turns.append(_read_agent(index, turn, "\n".join(heard) or None))
    exchanges = _pair(turns)
    return Reading(
        turns=tuple(turns),
        agent=tuple(turn for turn in turns if turn.turn.role == "agent" and turn.counts),
        exchanges=exchanges,
        heard={
            turn.index: exchange.cause
            for exchange in exchanges
            if exchange.cause is not None
            for turn in exchange.agent
        },
        flags=tuple(sorted({flag for turn in turns for flag in turn.flags})),
        respelled=any(turn.respelled is not None for turn in turns),
    )


def _read_customer(index: int, turn: TranscriptTurn) -> ReadTurn:
    analysis = analyze_customer(turn.text)
    return ReadTurn(
        index=index,
        turn=turn,
        seen=turn.text,
        analysis=analysis,
        raw=analysis,
        cues=read_customer(turn.text, analysis),
    )


def _read_agent(index: int, turn: TranscriptTurn, previous_customer: str | None) -> ReadTurn:
    usual = respell(turn.text)
    text = usual.text
    raw = analyze(text, previous_customer=previous_customer)
    marked = suspicious(text)
    hidden = (*(span for span, _ in marked), *unspoken(text))
    seen = blank(text, hidden)
    return ReadTurn(
        index=index,
        turn=msgspec.structs.replace(turn, text=text) if usual.places else turn,
        seen=seen,
        analysis=analyze(seen, previous_customer=previous_customer) if hidden else raw,
        raw=raw,
        cues=None,
        flags=tuple(sorted({flag for _, flag in marked})),
        respelled=usual if usual.places else None,
        given=turn if usual.places else None,
    )


def _pair(turns: list[ReadTurn]) -> tuple[Exchange, ...]:
    """Group turns; a group whose agent turns all were blanked left a customer unanswered."""
    exchanges: list[Exchange] = []
    customer: list[ReadTurn] = []
    agent: list[ReadTurn] = []
    for turn in turns:
        if turn.turn.role == "customer":
            if agent:
                exchanges.append(Exchange(customer=tuple(customer), agent=tuple(agent)))
                customer, agent = [], []
            customer.append(turn)
        else:
            agent.append(turn)
    if agent:
        exchanges.append(Exchange(customer=tuple(customer), agent=tuple(agent)))
    return tuple(item for item in exchanges if item.customer or any(t.counts for t in item.agent))


def opening_sentence(turn: ReadTurn) -> Span:
    """Return what is quoted when a behavior was missing: the first sentence that says something."""
    polite = [span.start for span in turn.raw.acts if span.act in _COURTESY]
    spans = sentences(turn.seen)
    plain = [
        span for span in spans if not any(span.start <= start < span.end for start in polite)
    ] or spans
    telling = (span for span in plain if is_telling(turn.seen[span.start : span.end]))
    fullest = max(plain, key=lambda span: span.end - span.start, default=None)
    return next(telling, fullest or sentence_at(turn.turn.text, 0))

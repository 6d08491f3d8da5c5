"""One agent turn as the detectors look at it: what many of them ask is worked out once."""

from functools import cached_property

from services.scoring_worker.judging.detectors.signs import AGENT_SIGNS, Signs
from services.scoring_worker.judging.detectors.terms import COMMITMENT, DEAD_END, Term
from services.scoring_worker.judging.finding import Observation
from services.scoring_worker.judging.reading import CLEAR, ReadTurn, opening_sentence
from services.scoring_worker.judging.words import Span, fold, is_telling, sentence_at, topics
from shared.contracts.dialogue import Act, ActSpan

Acts = frozenset[Act]

HARSH = frozenset(
    {Act.BLAME, Act.DISMISS, Act.REPROACH, Act.INSULT, Act.THREATEN, Act.RUSH, Act.PRESSURE}
)
"""Acts that undo what is said beside them."""

_NEGATIONS = ("n't ", "not ", "never ")
"""Before a dead end they take it back: `I won't call again`."""


def widen(text: str, start: int, end: int) -> Span:
    """Grow a span to its sentence, so that a quote reads as what was said."""
    sentence = sentence_at(text, start)
    return Span(min(start, sentence.start), max(end, sentence.end))


class Said:
    """One agent turn."""

    def __init__(self, turn: ReadTurn, cause: int | None) -> None:
        """Take a turn and the position of the customer turn that it answers."""
        self.turn = turn
        self.index = turn.index
        self.text = turn.turn.text
        self.counts = turn.counts
        self.cause = cause
        self.acts: Acts = frozenset([span.act for span in turn.analysis.acts])
        """What may earn something."""
        self.raw_acts: Acts = (
            self.acts
            if turn.raw is turn.analysis
            else frozenset([span.act for span in turn.raw.acts])
        )
        """What stands in the original text."""
        self.bad = _clear_acts(turn)
        """The first clear span of every act of the original text."""
        self.harsh = not HARSH.isdisjoint(self.bad)
        self.scan = AGENT_SIGNS.scan(self.text)
        """Signs and words of the original text."""
        self.bad_signs = self.scan.signs
        """The signs of the original text."""
        self.signs: Signs = (
            self.bad_signs if turn.seen == self.text else AGENT_SIGNS.scan(turn.seen).signs
        )
        """The signs in what may earn something."""
        self.marks: frozenset[str] = frozenset(
            (*self.acts, *self.raw_acts, *self.signs, *self.bad_signs)
        )
        """All acts and signs of the turn: where none of these is, a detector need not look."""
        self._best: dict[Acts, Span] = {}
        self._topics: dict[Acts, list[frozenset[str]]] = {}

    def best(self, acts: Acts) -> Span | None:
        """Return the sentence that shows these acts best: telling, strong, early."""
        if acts.isdisjoint(self.acts):
            return None
        known = self._best.get(acts)
        if known is None:
            spans = [span for span in self.turn.analysis.acts if span.act in acts]
            span = max(spans, key=self._worth) if len(spans) > 1 else spans[0]
            known = self._best[acts] = widen(self.text, span.start, span.end)
        return known

    def _worth(self, span: ActSpan) -> tuple[bool, int]:
        sentence = sentence_at(self.text, span.start)
        return is_telling(self.text[sentence.start : sentence.end]), span.strength

    def first(self, acts: Acts) -> ActSpan | None:
        """Return the first span of these acts in what may earn something."""
        if acts.isdisjoint(self.acts):
            return None
        return next(span for span in self.turn.analysis.acts if span.act in acts)

    def first_bad(self, acts: Acts) -> Span | None:
        """Return the sentence of the first clear span of these acts in the original text."""
        if acts.isdisjoint(self.bad):
            return None
        spans = (span for act, span in self.bad.items() if act in acts)
        span = min(spans, key=lambda item: (item.start, item.end, item.act))
        return widen(self.text, span.start, span.end)

    def sentence(self, span: Span) -> Span:
        """Grow a span to its sentence."""
        return widen(self.text, span.start, span.end)

    def search(self, term: Term, text: str) -> Span | None:
        """Return the sentence of the first place of a term in the text of this turn."""
        if term.words.isdisjoint(self.scan.words):
            return None
        match = term.regex.search(fold(text))
        return None if match is None else self.sentence(Span(*match.span()))

    def topics_of(self, acts: Acts) -> list[frozenset[str]]:
        """Return the topics of every sentence that holds one of these acts, by act."""
        known = self._topics.get(acts)
        if known is None:
            spans = (
                self.sentence(Span(span.start, span.start))
                for span in self.turn.analysis.acts
                if span.act in acts
            )
            known = [topics(self.text[span.start : span.end]) for span in spans]
            self._topics[acts] = known
        return known

    def count(self, acts: Acts) -> int:
        """Count the spans of these acts in what may earn something."""
        return sum(span.act in acts for span in self.turn.analysis.acts)

    @cached_property
    def commitment(self) -> Span | None:
        """The sentence that says who does something, and when."""
        return self.search(COMMITMENT, self.turn.seen)

    @cached_property
    def stuck(self) -> Span | None:
        """The sentence that says that nothing can be done, in a turn that offers no other way."""
        if Act.OFFER in self.acts or DEAD_END.words.isdisjoint(self.scan.words):
            return None
        text = fold(self.text)
        for match in DEAD_END.regex.finditer(text):
            if not text.endswith(_NEGATIONS, 0, match.start()):
                return self.sentence(Span(*match.span()))
        return None

    @cached_property
    def topics(self) -> frozenset[str]:
        """Stems of the words that carry a topic."""
        return topics(self.turn.seen)

    @cached_property
    def opening(self) -> Span:
        """What is quoted when a behavior was missing."""
        return opening_sentence(self.turn)

    @cached_property
    def clean(self) -> Observation:
        """The observation of a turn without a bad behavior: never quoted."""
        return Observation(agent=self.index, start=0, end=0, hit=False, customer=self.cause)

    def observed(self, span: Span, cause: int | None) -> Observation:
        """Return a hit that quotes this turn."""
        return Observation(
            agent=self.index, start=span.start, end=span.end, hit=True, customer=cause
        )


def _clear_acts(turn: ReadTurn) -> dict[Act, ActSpan]:
    """Return the first clear span of every act; taking the fault on oneself is no blame."""
    found: dict[Act, ActSpan] = {}
    for span in turn.raw.acts:
        if span.strength < CLEAR or span.act in found:
            continue
        if span.act is Act.BLAME and _is_owned(turn, span):
            continue
        found[span.act] = span
    return found


def _is_owned(turn: ReadTurn, span: ActSpan) -> bool:
    owned = [item.start for item in turn.raw.acts if item.act is Act.TAKE_OWNERSHIP]
    if not owned:
        return False
    sentence = sentence_at(turn.turn.text, span.start)
    return any(sentence.start <= start < sentence.end for start in owned)

"""What of the model's evidence holds: words of the agent, where they are said to stand."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from services.scoring_worker.judging.evidence import cite, verify
from services.scoring_worker.judging.model.answers import IndicatorAnswer, Quote, Said
from services.scoring_worker.judging.model.quoting import locate
from services.scoring_worker.judging.reading import Reading, ReadTurn
from services.scoring_worker.judging.shield import suspicious, unspoken
from services.scoring_worker.judging.words import Span
from shared.contracts.rubric import Polarity
from shared.contracts.scoring import Transcript

MAX_LOOKED_AT: Final = 6
"""Quotes of one answer that are checked; three are asked for."""


class Proof(NamedTuple):
    """A quote that holds."""

    turn: int
    """Position in the transcript."""
    start: int
    end: int


class Vote(NamedTuple):
    """What one sample says of one indicator, as far as it is believed."""

    said: Said
    proofs: tuple[Proof, ...] = ()
    is_withdrawn: bool = False
    """It was `met`, and none of the quotes holds."""


class Checker:
    """Checks the answers about one conversation."""

    def __init__(self, transcript: Transcript, reading: Reading) -> None:
        self._transcript = transcript
        self._reading = reading
        self._places: dict[str, list[int]] = {}
        for place, turn in enumerate(transcript.turns):
            self._places.setdefault(turn.id, []).append(place)

    def vote(self, given: Sequence[IndicatorAnswer], polarity: Polarity) -> Vote | None:
        """Return what a sample says; None where it says nothing of the indicator.

        An indicator that is answered twice, and not alike, is as good as undecided.
        """
        if not given:
            return None
        first = given[0]
        if any(other.verdict is not first.verdict for other in given):
            return Vote(Said.INSUFFICIENT)
        if first.verdict is Said.NO_OPPORTUNITY and polarity is Polarity.BAD:
            return Vote(Said.NOT_MET)  # without an occasion it did not happen
        if first.verdict not in (Said.MET, Said.NOT_MET):
            return Vote(first.verdict)
        proofs = tuple(dict.fromkeys(self._proofs(first.evidence[:MAX_LOOKED_AT], polarity)))
        if first.verdict is Said.MET and not proofs:
            return Vote(Said.INSUFFICIENT, is_withdrawn=True)
        return Vote(first.verdict, proofs)

    def _proofs(self, quotes: Sequence[Quote], polarity: Polarity) -> Iterator[Proof]:
        for quote in quotes:
            for place in self._places.get(quote.turn_id, ()):
                proof = self._proof(place, quote.quote, polarity)
                if proof is not None:
                    yield proof
                    break

    def _proof(self, place: int, quote: str, polarity: Polarity) -> Proof | None:
        turn = self._transcript.turns[place]
        if len(quote) > 2 * len(turn.text):  # before anything is made of a huge answer
            return None
        span = locate(turn.text, quote)
        if span is None or not verify(cite(turn, *span), self._transcript, polarity=polarity):
            return None
        if polarity is Polarity.GOOD and any(
            hidden.start < span.end and span.start < hidden.end
            for hidden in _hidden(self._reading.turns[place])
        ):
            return None
        return Proof(place, span.start, span.end)


def _hidden(turn: ReadTurn) -> Iterator[Span]:
    """Yield what the embedded judge does not read either, where it stands as it was written."""
    text = turn.turn.text
    for span in (*(span for span, _ in suspicious(text)), *unspoken(text)):
        yield turn.written(span)

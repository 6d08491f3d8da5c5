"""Carries a verdict of the model into what was counted, by the smallest change that says the same.

A yes or no holds less than a count of occasions, so it may only move the count across the line:

both say the same    nothing changes, to the last digit.
met, was not         the quoted answers become hits (a miss in the same exchange turns into one;
                     otherwise the quote is an occasion that was overlooked). If that is not often
                     enough, misses leave the count, the last first, until it is: the model has read
                     them and says that they do not stand against it.
not met, was         where the model quotes what falls short: hits become misses, the last first,
                     until the count says so too; of a bad indicator, and of a check of the whole
                     conversation, all of them. Without a quote nothing changes: a hit stands on
                     words that are there, and a bare no does not outweigh them.
not met, no occasion was seen
                     nothing changes: without a place there is no occasion to count.
no opportunity       the misses leave the count. Beside a hit that was proven, nothing changes; a
                     bad indicator that did not happen stays so.
cannot tell          nothing changes.
"""

from collections.abc import Sequence

import msgspec

from services.scoring_worker.judging.aggregate import Measured, Second, weigh
from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.model.answers import Said
from services.scoring_worker.judging.model.checking import Proof
from services.scoring_worker.judging.model.combining import Opinion
from services.scoring_worker.judging.reading import Reading, opening_sentence
from shared.contracts.scoring import Verdict
from shared.library.indicators import load_indicators

SAME = {
    Said.MET: Verdict.MET,
    Said.NOT_MET: Verdict.NOT_MET,
    Said.NO_OPPORTUNITY: Verdict.NO_OPPORTUNITY,
    Said.INSUFFICIENT: Verdict.NOT_ENOUGH_EVIDENCE,
}
"""The model's words in those of the result."""


class Adopter:
    """Puts the model's opinions about one conversation in place."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._exchanges = {
            turn.index: number
            for number, exchange in enumerate(reading.exchanges)
            for turn in exchange.agent
        }

    def adopt(self, item: Measured, opinion: Opinion) -> Measured:
        """Return what was measured, with the model's answer in it."""
        finding = self._changed(item, opinion)
        changed = weigh(
            item.indicator, finding, coached_as=item.coached_as, withdrawn=item.withdrawn
        )
        is_models = finding is not item.finding or said_of(item) is opinion.said
        second = Second(
            judged_by="model" if is_models else "embedded",
            embedded=item.verdict,
            spread=opinion.spread,
        )
        return msgspec.structs.replace(changed, second=second)

    def _changed(self, item: Measured, opinion: Opinion) -> Finding:
        finding, said = item.finding, opinion.said
        if said is said_of(item):
            return finding
        match said:
            case Said.MET:
                return self._raised(item, opinion.proofs)
            case Said.NOT_MET if item.verdict is Verdict.MET and opinion.proofs:
                return self._lowered(item)
            case Said.NO_OPPORTUNITY if item.is_good and not item.hits:
                return Finding(census=finding.census)
            case _:
                return finding

    def _raised(self, item: Measured, proofs: Sequence[Proof]) -> Finding:
        known = load_indicators().get(item.indicator.key)
        census = item.finding.census or (known is not None and known.whole)
        seen = list(item.finding.observations)
        for proof in proofs:
            self._add(seen, proof)
        seen.sort(key=lambda each: (each.agent, each.start))
        finding = Finding(observations=tuple(seen), census=census)
        while weigh(item.indicator, finding).verdict is not Verdict.MET:
            last = max(place for place, each in enumerate(seen) if not each.hit)
            del seen[last]
            finding = Finding(observations=tuple(seen), census=census)
        return finding

    def _add(self, seen: list[Observation], proof: Proof) -> None:
        """Let a quote count where its answer was counted already, else as one more occasion."""
        places = [n for n, each in enumerate(seen) if self._is_same(each, proof)]
        if any(seen[n].hit for n in places):
            return
        hit = Observation(
            agent=proof.turn,
            start=proof.start,
            end=proof.end,
            hit=True,
            customer=self._reading.heard.get(proof.turn),
        )
        if places:
            exact = [n for n in places if seen[n].agent == proof.turn]
            seen[(exact or places)[0]] = hit
        else:
            seen.append(hit)

    def _is_same(self, seen: Observation, proof: Proof) -> bool:
        exchange = self._exchanges.get(proof.turn)
        return seen.agent == proof.turn or (
            exchange is not None and self._exchanges.get(seen.agent) == exchange
        )

    def _lowered(self, item: Measured) -> Finding:
        seen = list(item.finding.observations)
        finding = item.finding
        everything = not item.is_good or finding.census
        for place in [n for n, each in enumerate(seen) if each.hit][::-1]:
            if not everything and weigh(item.indicator, finding).verdict is not Verdict.MET:
                break
            seen[place] = self._missed(seen[place])
            finding = Finding(observations=tuple(seen), census=finding.census)
        return finding

    def _missed(self, hit: Observation) -> Observation:
        """Return the same occasion as one that was not taken; it quotes the answer's beginning."""
        turn = self._reading.turns[hit.agent]
        start, end = turn.written(opening_sentence(turn))
        return msgspec.structs.replace(hit, start=start, end=end, hit=False)


def is_bare_no(item: Measured, opinion: Opinion) -> bool:
    """Say whether the model denies without a quote what was proven."""
    is_denied = opinion.said is Said.NOT_MET and item.verdict is Verdict.MET
    return is_denied and not opinion.proofs


def said_of(item: Measured) -> Said:
    """Return what the model would have to say to agree with the embedded judge."""
    if not item.is_good:
        return Said.MET if item.hits else Said.NOT_MET
    return next(said for said, verdict in SAME.items() if verdict is item.verdict)

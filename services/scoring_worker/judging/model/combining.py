"""Makes one opinion of several samples."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from services.scoring_worker.judging.evidence import MAX_QUOTES
from services.scoring_worker.judging.model.answers import Said
from services.scoring_worker.judging.model.checking import Proof, Vote
from shared.contracts.base import Record

DIGITS: Final = 3
"""To which shares are rounded."""


class Opinion(Record, frozen=True, kw_only=True):
    """What the model says of one indicator."""

    said: Said
    proofs: tuple[Proof, ...] = ()
    """In the order of the transcript, at most one per turn."""
    spread: float = 0.0
    """Share of the samples that say something else than most, 0..1."""
    withdrawn: int = 0
    """Samples that said `met` without a quote that holds."""


def combine(votes: Sequence[Vote], samples: int) -> Opinion | None:
    """Return what most samples say; None where not even half of them answered.

    Two verdicts that are named equally often leave it undecided.
    """
    if not votes or 2 * len(votes) < samples:
        return None
    ranked = Counter(vote.said for vote in votes).most_common()
    said, most = ranked[0]
    is_tie = len(ranked) > 1 and ranked[1][1] == most
    return Opinion(
        said=Said.INSUFFICIENT if is_tie else said,
        proofs=() if is_tie else _proofs(vote.proofs for vote in votes if vote.said is said),
        spread=round(1 - most / len(votes), DIGITS),
        withdrawn=sum(vote.is_withdrawn for vote in votes),
    )


def _proofs(given: Iterable[Iterable[Proof]]) -> tuple[Proof, ...]:
    """Keep one quote per turn, those of the turns that most samples quote."""
    found: dict[int, list[Proof]] = {}
    for proofs in given:
        for turn, proof in {proof.turn: proof for proof in reversed(list(proofs))}.items():
            found.setdefault(turn, []).append(proof)
    ranked = sorted(found, key=lambda turn: (-len(found[turn]), turn))[:MAX_QUOTES]
    return tuple(found[turn][0] for turn in sorted(ranked))

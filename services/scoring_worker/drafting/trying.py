"""What a drafted rubric does with recorded conversations, from good ones to poor ones."""

from functools import cache
from pathlib import Path

import msgspec

from services.scoring_worker.judging.judge import judge
from shared.contracts.base import Authored
from shared.contracts.rubric import RubricSpec
from shared.contracts.scoring import Transcript, TranscriptTurn
from shared.library.rubric_trial import Trial, summarize
from shared.yaml_files import read_yaml

_FILE = Path(__file__).with_name("conversations.yaml")


class _Recorded(Authored, frozen=True, kw_only=True):
    """One conversation; each turn is `A` (agent) or `C` (customer) and what was said."""

    scenario: str
    profile: str
    seed: int
    turns: tuple[dict[str, str], ...]


@cache
def recorded() -> tuple[Transcript, ...]:
    """Return the recorded conversations.

    Raises:
        msgspec.ValidationError: the file does not describe any.
    """
    raw = msgspec.convert(read_yaml(_FILE), tuple[_Recorded, ...])
    return tuple(
        Transcript(
            turns=tuple(
                TranscriptTurn(
                    id=f"t{number}", role="agent" if side == "A" else "customer", text=text
                )
                for number, turn in enumerate(one.turns)
                for side, text in turn.items()
            ),
            source="simulation",
        )
        for one in raw
    )


def try_out(rubric: RubricSpec) -> Trial:
    """Return what a rubric does with all of them; its indicators are known to the judge."""
    return summarize(rubric, [judge(transcript, rubric) for transcript in recorded()])

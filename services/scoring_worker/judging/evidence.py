"""Evidence: verbatim quotes of the agent, re-checked against the transcript before they count."""

from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.shield import suspicious
from shared.contracts.rubric import Polarity
from shared.contracts.scoring import Evidence, Transcript, TranscriptTurn

MAX_QUOTES = 3
"""Quotes shown per indicator; all hits are checked."""


def cite(turn: TranscriptTurn, start: int, end: int) -> Evidence:
    """Return the quote of a span."""
    return Evidence(turn_id=turn.id, start=start, end=end, quote=turn.text[start:end])


def verify(
    evidence: Evidence, transcript: Transcript, *, polarity: Polarity = Polarity.GOOD
) -> bool:
    """Say whether the quote stands in an agent turn of this id, at this place, word for word.

    Text that speaks to the grader or praises itself never counts for a good indicator.
    """
    if not 0 <= evidence.start < evidence.end:
        return False
    return any(
        turn.id == evidence.turn_id and turn.role == "agent" and _stands(evidence, turn, polarity)
        for turn in transcript.turns
    )


def _stands(evidence: Evidence, turn: TranscriptTurn, polarity: Polarity) -> bool:
    if evidence.end > len(turn.text) or turn.text[evidence.start : evidence.end] != evidence.quote:
        return False
    if polarity is Polarity.BAD:
        return True
    return not any(
        span.start < evidence.end and evidence.start < span.end for span, _ in suspicious(turn.text)
    )


def withdraw_unproven(finding: Finding, transcript: Transcript, polarity: Polarity) -> Finding:
    """Turn every hit whose quote fails the check into a miss; the verdict follows."""
    checked = tuple(
        item if not item.hit or _proven(item, transcript, polarity) else _as_miss(item)
        for item in finding.observations
    )
    return Finding(observations=checked, census=finding.census)


def _proven(item: Observation, transcript: Transcript, polarity: Polarity) -> bool:
    if not 0 <= item.agent < len(transcript.turns):
        return False
    turn = transcript.turns[item.agent]
    if turn.role != "agent" or not 0 <= item.start < item.end <= len(turn.text):
        return False
    return _stands(cite(turn, item.start, item.end), turn, polarity)


def _as_miss(item: Observation) -> Observation:
    return Observation(agent=item.agent, start=0, end=0, hit=False, customer=item.customer)


def quotes(finding: Finding, transcript: Transcript) -> tuple[Evidence, ...]:
    """Return the first quotes of the hits, no two alike."""
    cited: dict[Evidence, None] = {}
    for item in finding.observations:
        if item.hit and len(cited) < MAX_QUOTES:
            cited[cite(transcript.turns[item.agent], item.start, item.end)] = None
    return tuple(cited)

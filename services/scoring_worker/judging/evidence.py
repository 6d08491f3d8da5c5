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
    return any(
        turn.id == evidence.turn_id
        and turn.text[max(0, evidence.start) : evidence.end] == evidence.quote
        and _stands(turn, evidence.start, evidence.end, polarity)
        for turn in transcript.turns
    )


def _stands(turn: TranscriptTurn, start: int, end: int, polarity: Polarity) -> bool:
    """Say whether a span holds words of the agent that may count."""
    if turn.role != "agent" or not 0 <= start < end <= len(turn.text):
        return False
    if not turn.text[start:end].strip():
        return False
    if polarity is Polarity.BAD:
        return True
    marked = suspicious(turn.text)
    return not marked or not any(span.start < end and start < span.end for span, _ in marked)


def withdraw_unproven(finding: Finding, transcript: Transcript, polarity: Polarity) -> Finding:
    """Turn every hit whose quote fails the check into a miss; the verdict follows."""
    unproven = [
        place
        for place, item in enumerate(finding.observations)
        if item.hit and not _proven(item, transcript, polarity)
    ]
    if not unproven:
        return finding
    checked = list(finding.observations)
    for place in unproven:
        checked[place] = _as_miss(checked[place])
    return Finding(observations=tuple(checked), census=finding.census)


def _proven(item: Observation, transcript: Transcript, polarity: Polarity) -> bool:
    if not 0 <= item.agent < len(transcript.turns):
        return False
    return _stands(transcript.turns[item.agent], item.start, item.end, polarity)


def _as_miss(item: Observation) -> Observation:
    return Observation(agent=item.agent, start=0, end=0, hit=False, customer=item.customer)


def quotes(finding: Finding, transcript: Transcript) -> tuple[Evidence, ...]:
    """Return the first quotes of the hits, no two alike."""
    cited: dict[Evidence, None] = {}
    for item in finding.observations:
        if item.hit:
            cited[cite(transcript.turns[item.agent], item.start, item.end)] = None
            if len(cited) == MAX_QUOTES:
                break
    return tuple(cited)

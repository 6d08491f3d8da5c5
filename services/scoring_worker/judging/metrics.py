"""Operational numbers of one transcript; None where the transcript cannot tell."""

from services.scoring_worker.judging.reading import Reading
from shared.contracts.scoring import Metrics


def measure(reading: Reading) -> Metrics:
    """Return handle time, talk share (words stand for time), question rate, longest monologue."""
    agent = [turn for turn in reading.turns if turn.turn.role == "agent"]
    agent_words = sum(turn.raw.words for turn in agent)
    all_words = sum(turn.raw.words for turn in reading.turns)
    questions = sum(turn.raw.questions for turn in agent)
    return Metrics(
        handle_time_s=_handle_time(reading),
        talk_share=round(agent_words / all_words, 4) if all_words else None,
        question_rate=round(questions / len(agent), 4) if agent else None,
        longest_monologue_words=_longest_monologue(reading),
    )


def _handle_time(reading: Reading) -> float | None:
    """Last end minus first start; a turn without an end counts with its start."""
    starts = [turn.turn.start_ms for turn in reading.turns if turn.turn.start_ms is not None]
    ends = [turn.turn.end_ms for turn in reading.turns if turn.turn.end_ms is not None]
    if not starts:
        return None
    return max(0, max(starts + ends) - min(starts)) / 1000


def _longest_monologue(reading: Reading) -> int:
    longest = current = 0
    for turn in reading.turns:
        current = current + turn.raw.words if turn.turn.role == "agent" else 0
        longest = max(longest, current)
    return longest

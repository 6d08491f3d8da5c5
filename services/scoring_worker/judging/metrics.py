"""Operational numbers of one transcript; None where the transcript cannot tell."""

from collections.abc import Mapping, Sequence

from services.scoring_worker.judging.adherence import adherence, order
from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.arc import arc
from services.scoring_worker.judging.readability import readability
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.talking import (
    fillers_per_100_words,
    longest_monologue,
    open_question_share,
    question_rate,
    talk_share,
)
from services.scoring_worker.judging.timing import handle_time_s, latencies_s, words_per_minute
from shared.contracts.scoring import Metrics, Transcript

_OUTCOMES = {"resolved": True, "unresolved": False}


def measure(
    reading: Reading,
    transcript: Transcript,
    measured: Mapping[str, Sequence[Measured]] | None = None,
) -> Metrics:
    """Return the numbers; formulas in docs/metrics.md.

    Args:
        reading: the conversation, read.
        transcript: the same; it knows the language and, after a simulation, the outcome.
        measured: what was found for the criteria of the form; process adherence needs it.
    """
    items = [item for found in (measured or {}).values() for item in found]
    latency = latencies_s(reading)
    ease = readability(reading) if _is_english(transcript) else None
    return Metrics(
        handle_time_s=handle_time_s(reading),
        talk_share=talk_share(reading),
        question_rate=question_rate(reading),
        longest_monologue_words=longest_monologue(reading),
        response_latency_median_s=latency.median,
        response_latency_p90_s=latency.p90,
        open_question_share=open_question_share(reading),
        reading_ease=ease.ease if ease else None,
        reading_grade=ease.grade if ease else None,
        fillers_per_100_words=fillers_per_100_words(reading),
        words_per_minute=words_per_minute(reading),
        process_adherence=adherence(items),
        process_order=order(items),
        customer_arc=arc(reading),
        first_contact_resolution=_OUTCOMES.get(transcript.outcome or ""),
    )


def _is_english(transcript: Transcript) -> bool:
    return transcript.language.lower().split("-")[0] == "en"

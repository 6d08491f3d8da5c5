"""Outcomes in plain words; every number in them is in the same answer."""

from collections.abc import Sequence
from typing import Final

from services.reporting.trends.words import counted
from shared.contracts.reports.outcomes import (
    MIN_ANSWERS,
    FirstContactResolution,
    HandleTime,
    OutcomeShare,
    OutcomesReply,
    SurveyKind,
    SurveyNumbers,
    SurveySeries,
    TransferShare,
)

_NOTHING: Final = (
    f"Nothing can be shown: a month needs {MIN_ANSWERS} answers or contacts and {{}} people."
)


def nothing(min_people: int) -> str:
    """Return what is said where everything is hidden."""
    return _NOTHING.format(min_people)


def say_survey(form: str, kind: SurveyKind, numbers: SurveyNumbers) -> str:
    """Say what customers answered."""
    answered = counted(numbers.answered, "answer")
    rate = f"{numbers.response_rate:g} % of {counted(numbers.delivered, 'survey')} were answered."
    if kind == "nps":
        interval = f"90 % interval {numbers.nps_low:g} to {numbers.nps_high:g}"
        return f"NPS ({form}) is {numbers.nps:g} from {answered} ({interval}); {rate}"
    if numbers.positive is None:
        raise AssertionError("CSAT and CES have a positive share")
    good = "were positive" if kind == "csat" else "said it was easy"
    return (
        f"{numbers.positive.value:g} % of {answered} to {form} {good} "
        f"({_interval(numbers.positive)}), {numbers.mean:g} on average; {rate}"
    )


def say_handle_time(numbers: HandleTime) -> str:
    """Say how long contacts took."""
    return (
        f"Half of {counted(numbers.n, 'contact')} took {_clock(numbers.median_s)} or less, "
        f"nine of ten {_clock(numbers.p90_s)} or less; {_clock(numbers.mean_s)} on average."
    )


def say_resolution(numbers: FirstContactResolution) -> str:
    """Say how much was resolved at the first contact."""
    said = (
        f"{numbers.gross.value:g} % of {counted(numbers.gross.n, 'contact')} were resolved at the "
        f"first contact ({_interval(numbers.gross)})"
    )
    if numbers.net is None:
        return f"{said}."
    return f"{said}; {numbers.net.value:g} % of {counted(numbers.net.n, 'first contact')}."


def say_transfers(numbers: TransferShare) -> str:
    """Say how much was passed on."""
    share = numbers.share
    return (
        f"{share.value:g} % of {counted(share.n, 'contact')} were passed on ({_interval(share)})."
    )


def headline(reply: OutcomesReply) -> str:
    """Return the sentences that matter most: the survey with most answers, then resolution."""
    best = _most_answered(reply.surveys)
    said = [] if best is None else [best.sentence]
    for series in (reply.resolution, reply.handle_time, reply.transfers):
        if series.period is not None and len(said) < 2:
            said.append(series.sentence)
    return " ".join(said) if said else reply.resolution.sentence


def _most_answered(surveys: Sequence[SurveySeries]) -> SurveySeries | None:
    counts = [(0 if each.period is None else each.period.answered, each) for each in surveys]
    answered, best = max(counts, key=lambda pair: pair[0], default=(0, None))
    return best if answered else None


def _interval(share: OutcomeShare) -> str:
    return f"90 % interval {share.low:g} to {share.high:g}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min"


def decimal(number: float) -> str:
    """Return a correlation as it is printed: two decimals, no zero before the point."""
    return f"{number:.2f}".replace("0.", ".", 1) if abs(number) < 1 else f"{number:.0f}"

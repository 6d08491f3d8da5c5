"""What went wrong with a call, as one of a few words; whatever the endpoint says stays here."""

from email.utils import parsedate_to_datetime
from typing import Final

from shared.clock import Clock
from shared.contracts.llm import WhyEmbedded

REST_MOST_S: Final = 60.0
"""Longest rest that an endpoint may ask for."""

ENDPOINTS: Final = frozenset(
    {
        WhyEmbedded.TIMEOUT,
        WhyEmbedded.UNREACHABLE,
        WhyEmbedded.RATE_LIMITED,
        WhyEmbedded.UNAUTHORIZED,
        WhyEmbedded.SERVER_ERROR,
        WhyEmbedded.MALFORMED,
    }
)
"""Failures that say something about the endpoint, not about one question; the breaker counts
them."""


class BaseUrlRefusedError(Exception):
    """The base URL of an endpoint may not be called; the message is fit for its owner."""


class CallFailedError(Exception):
    """A call brought no answer. Its text is fixed: what endpoints say may quote the question."""

    def __init__(
        self,
        why: WhyEmbedded,
        *,
        is_spent: bool = False,
        status: int | None = None,
        rest_s: float | None = None,
        complaint: str = "",
    ) -> None:
        super().__init__(why.value)
        self.why = why
        self.is_spent = is_spent
        """Whether it may have cost something: the question was sent, and not turned down."""
        self.status = status
        self.rest_s = rest_s
        """Seconds the endpoint wants to be left alone."""
        self.complaint = complaint
        """The endpoint's own words, to find out which parameter it dislikes; never logged."""


def why_of_status(status: int) -> WhyEmbedded:
    """Return what a status that is no success means."""
    if status in (401, 403):
        return WhyEmbedded.UNAUTHORIZED
    if status == 408:
        return WhyEmbedded.TIMEOUT
    if status == 429:
        return WhyEmbedded.RATE_LIMITED
    if status >= 500:
        return WhyEmbedded.SERVER_ERROR
    # Redirects are not followed: there is no endpoint at this address.
    return WhyEmbedded.REJECTED if status >= 400 else WhyEmbedded.UNREACHABLE


def rest_of(headers: dict[str, str], clock: Clock) -> float | None:
    """Return the seconds of `Retry-After`, or None; at most `REST_MOST_S`.

    Args:
        headers: names in lower case.
        clock: for the form that names a date.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return min(milliseconds / 1000, REST_MOST_S)
    text = headers.get("retry-after", "")
    seconds = _number(text)
    if seconds is None and text:
        try:
            seconds = (parsedate_to_datetime(text) - clock.now()).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return None if seconds is None else max(0.0, min(seconds, REST_MOST_S))


def _number(text: str) -> float | None:
    return float(text) if text.strip().isdecimal() and len(text) < 12 else None

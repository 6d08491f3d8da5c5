"""Timeouts and retries of the workflows, each with its reason."""

from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy

QUICK: Final = timedelta(seconds=10)
"""One Postgres transaction; far above it, so that a slow moment is no failure. Also how long a
crash of the orchestrator in the middle of one delays the workflow."""

SCORE: Final = timedelta(minutes=10)
"""A transcript of 500 turns judged by a slow model, behind a queue. Lost messages are the relay's
business (seconds), so this timeout only catches what nobody foresaw."""

PLAY: Final = timedelta(minutes=30)
"""A whole conversation of 60 turns with a slow model."""

PATIENT: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=60),
)
"""Infrastructure is away: try for ever. Domain failures come as non-retryable errors."""

PLAY_PART: Final = timedelta(hours=6)
"""Fifty conversations behind the backlog of a thousand, with a slow model."""

REPORTS: Final = timedelta(minutes=30)
"""The weekly pages of a tenant with a thousand teams; a page takes some milliseconds."""

REPORTS_BEAT: Final = timedelta(seconds=60)
"""A heartbeat comes after every twenty pages: a crash is noticed a minute later, not after half an
hour."""

BRIEF: Final = RetryPolicy(
    initial_interval=timedelta(seconds=2), backoff_coefficient=2, maximum_attempts=4
)
"""What is tried again by the next pass of a schedule anyway."""

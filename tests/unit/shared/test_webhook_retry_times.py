"""The schedule, and every way to say `Retry-After`. [R-B4]"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.webhooks.schedule import (
    ATTEMPTS,
    DELAYS_S,
    MAX_PAUSE,
    next_delay,
    read_retry_after,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class TestSchedule:
    def test_ten_attempts_over_three_days(self) -> None:
        assert DELAYS_S == (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
        assert ATTEMPTS == 10

    @given(st.integers(1, 9), st.floats(0, 1, exclude_max=True))
    def test_jitter_is_a_fifth_either_way(self, made: int, chance: float) -> None:
        delay = next_delay(made, lambda: chance)
        assert delay is not None
        ratio = delay.total_seconds() / DELAYS_S[made]
        assert 0.7999 <= ratio <= 1.2001

    @pytest.mark.parametrize("made", [10, 11, 1000])
    def test_after_the_last_there_is_none(self, made: int) -> None:
        assert next_delay(made, lambda: 0.5) is None


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            (None, None),
            ("", None),
            ("0", None),
            ("5", 5),
            (" 120 ", 120),
            ("86400", 86400),
            ("86401", 86400),
            ("9" * 400, 86400),
            ("-5", None),
            ("1.5", None),
            ("٣", None),
            ("soon", None),
            ("Sun, 22 Nov 2026 12:01:00 GMT", 60),
            ("Sun, 22 Nov 2026 13:01:00 +0100", 60),
            ("Sunday, 22-Nov-26 12:01:00 GMT", 60),
            ("Sun, 22 Nov 2026 11:59:00 GMT", None),
            ("Tue, 22 Nov 2033 12:00:00 GMT", 86400),
            ("Sun, 99 Nov 2026 12:01:00 GMT", None),
        ],
    )
    def test_seconds_and_dates(self, value: str | None, seconds: int | None) -> None:
        found = read_retry_after(value, NOW)
        assert found == (None if seconds is None else timedelta(seconds=seconds))

    @given(st.text(max_size=60))
    def test_nothing_that_a_receiver_says_breaks_it(self, value: str) -> None:
        found = read_retry_after(value, NOW)
        assert found is None or timedelta() < found <= MAX_PAUSE

"""The clock of a failing endpoint. [R-B5]"""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.webhooks.health import (
    CLOCK_WINDOW,
    DISABLE_AFTER,
    DISABLE_FAILURES,
    WARN_AFTER,
    Health,
    Turn,
    after_failure,
    after_gone,
    after_success,
)

START = datetime(2026, 11, 22, tzinfo=UTC)


def _run(*hours: float, health: Health | None = None) -> tuple[Health, list[Turn]]:
    """Failures at these hours; the health after them and what they turned."""
    health, turns = health or Health(), []
    for hour in hours:
        health, turn = after_failure(health, START + timedelta(hours=hour))
        if turn is not None:
            turns.append(turn)
    return health, turns


class TestClock:
    def test_three_failures_in_a_day_start_it(self) -> None:
        assert _run(0, 10, 20, 72)[1] == [Turn.WARNED]

    def test_two_do_not(self) -> None:
        health, turns = _run(0, 10, 72)
        assert (health.failures, health.failing_since, turns) == (1, START + timedelta(days=3), [])

    def test_it_runs_on_over_a_quiet_time(self) -> None:
        assert _run(0, 1, 2, 100, 130)[1] == [Turn.WARNED, Turn.DISABLED]

    def test_the_warning_comes_once(self) -> None:
        assert _run(0, 1, 2, 72, 80, 90, 119.9)[1] == [Turn.WARNED]

    def test_never_with_fewer_than_five(self) -> None:
        health, turns = _run(0, 1, 2, 121)
        assert (health.failures, turns) == (4, [Turn.WARNED])
        assert _run(122, health=health)[1] == [Turn.DISABLED]


class TestSuccess:
    def test_it_stops_the_clock(self) -> None:
        health, _ = _run(0, 1, 2, 60)
        assert after_success(health) == (Health(), None)

    def test_who_was_warned_hears_of_it(self) -> None:
        health, _ = _run(0, 1, 2, 72)
        assert after_success(health) == (Health(), Turn.RECOVERED)

    def test_an_endpoint_switched_on_again_is_warned_again(self) -> None:
        """Switching on clears the failures and keeps who was told."""
        health, _ = _run(0, 1, 2, 72, 120)
        again = Health(warned_at=health.warned_at)
        assert _run(130, 131, 132, 202.1, health=again)[1] == [Turn.WARNED]
        assert after_success(again) == (Health(), Turn.RECOVERED)


def test_gone_is_at_once() -> None:
    health, turn = after_gone(Health(), START)
    assert (health.failures, health.failing_since, turn) == (1, START, Turn.DISABLED)


@given(st.lists(st.tuples(st.floats(0.01, 60), st.booleans()), max_size=40))
def test_whatever_happens(steps: list[tuple[float, bool]]) -> None:
    """Switched off only after five failures over five days without a success between them."""
    health, at, failed = Health(), START, list[datetime]()
    for hours, is_success in steps:
        at += timedelta(hours=hours)
        if is_success:
            health, turn = after_success(health)
            assert health == Health()
            failed = []
            continue
        failed.append(at)
        health, turn = after_failure(health, at)
        assert 1 <= health.failures <= len(failed)
        assert health.failing_since in failed
        if turn is Turn.DISABLED:
            assert at - failed[0] >= DISABLE_AFTER
            assert len(failed) >= DISABLE_FAILURES
        if turn is Turn.WARNED:
            assert at - failed[0] >= WARN_AFTER
            since = failed.index(health.failing_since)
            assert failed[since + 2] - failed[since] <= CLOCK_WINDOW

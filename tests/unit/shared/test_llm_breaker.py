"""The breaker: when it opens, how long it rests, what a probe decides."""

from dataclasses import dataclass

import pytest

from shared.contracts.llm import WhyEmbedded
from shared.llm.breaker import FAILURES_IN_A_ROW, WINDOW, Breaker, Ticket
from shared.llm.failures import ENDPOINTS
from shared.telemetry import metrics

FAILED = WhyEmbedded.SERVER_ERROR


@dataclass
class Desk:
    """A breaker whose clock and chance the test moves."""

    at: float = 100.0
    chance: float = 0.0

    def __post_init__(self) -> None:
        self.breaker = Breaker(lambda: self.at, lambda: self.chance)

    def enter(self) -> Ticket:
        ticket = self.breaker.enter()
        assert ticket is not None
        return ticket

    def call(self, failure: WhyEmbedded | None = None, *, rest_s: float | None = None) -> None:
        self.breaker.leave(self.enter(), failure, rest_s=rest_s)

    def fail(self, times: int = FAILURES_IN_A_ROW) -> None:
        for _ in range(times):
            self.call(FAILED)


def test_opens_after_five_failures_in_a_row_and_not_before():
    desk = Desk()
    desk.fail(4)
    desk.call()
    desk.fail(4)
    assert not desk.breaker.is_open
    desk.call(FAILED)
    assert desk.breaker.is_open
    assert desk.breaker.enter() is None


def test_an_alert_can_count_how_often_it_opens():
    metrics.begin(with_process=False)
    try:
        desk = Desk()
        desk.fail(FAILURES_IN_A_ROW - 1)
        assert "llm_breaker_opened_total 1.0" not in metrics.exposition().decode()
        desk.call(FAILED)
        assert "llm_breaker_opened_total 1.0" in metrics.exposition().decode()
        assert desk.breaker.enter() is None
        assert "llm_breaker_opened_total 1.0" in metrics.exposition().decode()
    finally:
        metrics.end()


def test_its_state_is_told():
    desk = Desk()
    states = [desk.breaker.state]
    desk.fail()
    states.append(desk.breaker.state)
    desk.at += 1000.0
    states.append(desk.breaker.state)
    desk.call()
    states.append(desk.breaker.state)
    assert states == ["closed", "open", "half_open", "closed"]


def test_opens_when_half_of_the_last_twenty_failed():
    desk = Desk()
    for number in range(WINDOW):
        assert not desk.breaker.is_open, number
        desk.call(FAILED if number % 2 else None)
    assert desk.breaker.is_open


def test_old_failures_say_nothing_about_now():
    desk = Desk()
    for number in range(WINDOW):
        desk.call(FAILED if number % 2 else None)
        desk.at += 2.0
    assert not desk.breaker.is_open


@pytest.mark.parametrize("why", sorted(set(WhyEmbedded) - ENDPOINTS))
def test_what_is_not_the_endpoints_fault_never_opens_it(why: WhyEmbedded):
    desk = Desk()
    for _ in range(3 * WINDOW):
        desk.call(why)
    assert not desk.breaker.is_open


def test_one_probe_at_a_time_and_a_good_one_closes():
    desk = Desk()
    desk.fail()
    desk.at += 4.9
    assert desk.breaker.enter() is None
    desk.at += 0.2
    probe = desk.enter()
    assert probe.is_probe
    assert desk.breaker.enter() is None
    desk.breaker.leave(probe, None)
    assert not desk.enter().is_probe


def test_rests_double_up_to_a_minute():
    desk = Desk()
    desk.fail()
    rests = []
    for _ in range(6):
        start = desk.at
        while desk.breaker.is_open:
            desk.at += 0.5
        rests.append(desk.at - start)
        desk.call(FAILED)
    assert rests == [5, 10, 20, 40, 60, 60]


def test_a_good_probe_begins_the_rests_anew():
    desk = Desk()
    desk.fail()
    desk.at += 5
    desk.call(FAILED)
    desk.at += 10
    desk.call()
    desk.fail()
    desk.at += 5
    assert not desk.breaker.is_open


def test_jitter_makes_a_rest_longer_never_shorter():
    desk = Desk(chance=1.0)
    desk.fail()
    desk.at += 5.9
    assert desk.breaker.is_open
    desk.at += 0.11
    assert not desk.breaker.is_open


def test_an_endpoint_that_asks_for_a_rest_gets_it_at_once():
    desk = Desk()
    desk.call(WhyEmbedded.RATE_LIMITED, rest_s=42.0)
    desk.at += 41.9
    assert desk.breaker.is_open
    desk.at += 0.2
    assert desk.enter().is_probe


def test_a_probe_that_was_given_up_frees_its_place():
    desk = Desk()
    desk.fail()
    desk.at += 5
    desk.breaker.leave(desk.enter(), None, is_over=False)
    assert desk.enter().is_probe


def test_calls_from_before_the_rest_are_no_news():
    desk = Desk()
    slow = desk.enter()
    late = desk.enter()
    desk.fail()
    desk.breaker.leave(slow, None)
    assert desk.breaker.is_open
    desk.at += 5
    probe = desk.enter()
    desk.breaker.leave(late, FAILED)
    assert desk.breaker.enter() is None  # the probe is still out
    desk.breaker.leave(probe, None)
    assert not desk.breaker.is_open

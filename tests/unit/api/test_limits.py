"""The request limiter against an exact model, and what it says in headers. [R-A12]"""

import re
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.api.limits import JITTER_S, SECOND, Gcra, RequestLimiter

ONE, TWO = UUID(int=1), UUID(int=2)


class Model:
    """A bucket that holds `quota` and is filled evenly: as exact fractions, from the definition."""

    def __init__(self, quota: int, step: int) -> None:
        self.quota, self.step = quota, step
        self.level, self.at = Fraction(quota), 0

    def take(self, now: int) -> bool:
        self.level = min(Fraction(self.quota), self.level + Fraction(now - self.at, self.step))
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


class AgainstTheModel(RuleBasedStateMachine):
    @initialize(quota=st.integers(1, 7), window=st.integers(7, 100))
    def begin(self, quota: int, window: int) -> None:
        self.gcra = Gcra(quota, window)
        step = window // quota
        self.models = {ONE: Model(quota, step), TWO: Model(quota, step)}
        self.now = 0
        self.left = quota

    @rule(key=st.sampled_from([ONE, TWO]), pause=st.integers(0, 30))
    def take(self, key: UUID, pause: int) -> None:
        self.now += pause
        model = self.models[key]
        allowance = self.gcra.take(key, self.now)

        assert allowance.is_allowed == model.take(self.now)
        assert allowance.remaining == int(model.level)
        missing = (model.quota - model.level) * model.step
        assert allowance.reset_s == -(-missing // SECOND)
        self.left = allowance.remaining

    @invariant()
    def never_below_nothing(self) -> None:
        assert getattr(self, "left", 0) >= 0


TestAgainstTheModel = AgainstTheModel.TestCase


@given(quota=st.integers(1, 100_000), pauses=st.lists(st.integers(0, 90 * SECOND), max_size=30))
def test_who_waits_as_told_is_let_in(quota: int, pauses: list[int]) -> None:
    gcra, now = Gcra(quota), 0
    for pause in pauses:
        now += pause
        allowance = gcra.take(ONE, now)
        if not allowance.is_allowed:
            now += allowance.wait_s * SECOND
            assert gcra.take(ONE, now).is_allowed


class TestHeaders:
    def _limiter(self, quota: int, jitter: int = 0) -> RequestLimiter:
        return RequestLimiter(quota, lambda _: bytes([jitter]), lambda: 1000 * SECOND)

    def test_every_answer_says_policy_and_state(self) -> None:
        headers, refusal = self._limiter(120).take(ONE)

        assert refusal is None
        assert dict(headers) == {
            b"ratelimit-policy": b'"requests";q=120;w=60',
            b"ratelimit": b'"requests";r=119;t=1',
        }

    def test_a_refusal_names_the_policy_and_when_to_come_back(self) -> None:
        limiter = self._limiter(2, jitter=3)
        for _ in range(2):
            assert limiter.take(ONE)[1] is None
        headers, refusal = limiter.take(ONE)

        assert refusal is not None
        assert refusal.violated_policies == ("requests",)
        assert refusal.retry_after_s == 30 + 3
        assert dict(headers)[b"ratelimit"] == b'"requests";r=0;t=60'
        assert limiter.take(TWO)[1] is None, "another tenant is not touched"

    def test_refused_clients_do_not_return_together(self) -> None:
        waits = set()
        for jitter in range(256):
            limiter = self._limiter(1, jitter)
            limiter.take(ONE)
            refusal = limiter.take(ONE)[1]
            assert refusal is not None
            waits.add(refusal.retry_after_s)
        assert waits == set(range(60, 60 + JITTER_S + 1))

    def test_the_form_is_that_of_the_draft(self) -> None:
        for name, value in self._limiter(6000).take(ONE)[0]:
            assert re.fullmatch(rb'"[a-z-]+"(;[a-z]=\d+)+', value), name


def test_tenants_that_rest_are_forgotten(monkeypatch) -> None:
    monkeypatch.setattr("services.api.limits.SWEEP_AT", 100)
    gcra = Gcra(10, 100)
    for number in range(100):
        gcra.take(UUID(int=number), 0)
    gcra.take(UUID(int=1000), 10_000)
    assert len(gcra._arrivals) == 1

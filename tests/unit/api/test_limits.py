"""The request limiter over several processes: never more than a quota, and what it says. [R-A12]"""

import asyncio
import re
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api import rates as rates_module
from services.api.limits import JITTER_S, WINDOW_S, RequestLimiter
from services.api.rates import CREDIT_PART, FIRST_BLOCK, Allowance, Rates
from shared.errors import RequestRateError, UnavailableError
from shared.tenancy.book import LimitsBook
from shared.tenancy.limits import Defaults, effective
from tests.support.rate_model import EPOCH_US, ModelStore

ONE, TWO = UUID(int=1), UUID(int=2)


class Book:
    """Gives every tenant the same quota."""

    def __init__(self, quota: int) -> None:
        self.quota = quota

    def at_once(self, tenant_id: UUID) -> Any:
        return self._limits() if tenant_id == ONE else None

    async def of(self, _tenant_id: UUID) -> Any:
        return self._limits()

    def _limits(self) -> Any:
        defaults = Defaults(requests_per_minute=self.quota, backlog=1)
        return effective("standard", "active", {}, defaults)


def limiter(store: ModelStore, quota: int, jitter: int = 0) -> RequestLimiter:
    made = RequestLimiter(cast("LimitsBook", Book(quota)), store, lambda _: bytes([jitter]))
    made._rates = Rates(store, store.now_s)
    return made


Steps = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 40), st.integers(0, 15_000_000)), max_size=60
)
"""Which process sends, how many requests at once, and microseconds until the next step."""


def send(quota: int, steps: list[tuple[int, int, int]]) -> tuple[list[int], ModelStore]:
    """Return when requests were allowed, over three processes that share a store."""
    store = ModelStore()
    processes = [Rates(store, store.now_s) for _ in range(3)]
    allowed: list[int] = []

    async def run() -> None:
        for process, count, pause in steps:
            answers = await asyncio.gather(
                *(processes[process].take(ONE, quota) for _ in range(count))
            )
            allowed.extend(store.now_us for one in answers if one.is_allowed)
            store.now_us += pause

    asyncio.run(run())
    return allowed, store


def most_over(quota: int, allowed: list[int]) -> int:
    """Return by how many requests any stretch of time is above what the definition allows."""
    step = max(60_000_000 // quota, 1)
    over = 0
    for first in range(len(allowed)):
        for last in range(first, len(allowed)):
            may = quota + (allowed[last] - allowed[first]) // step
            over = max(over, last - first + 1 - may)
    return over


class TestExactFromAbove:
    @settings(max_examples=60, deadline=None)
    @given(quota=st.integers(1, 400), steps=Steps)
    def test_no_stretch_of_time_has_more_than_the_quota(
        self, quota: int, steps: list[tuple[int, int, int]]
    ) -> None:
        allowed, _ = send(quota, steps)
        assert most_over(quota, allowed) <= 0

    def test_what_is_lent_and_used_late_counts(self) -> None:
        # Three processes borrow and rest; when their loans end, one sends a whole quota at once.
        store = ModelStore()
        processes = [Rates(store, store.now_s) for _ in range(3)]
        quota = 200
        allowed: list[int] = []

        async def take(process: Rates, count: int) -> None:
            answers = [await process.take(ONE, quota) for _ in range(count)]
            allowed.extend(store.now_us for one in answers if one.is_allowed)

        async def run() -> None:
            for process in processes:
                await take(process, 1)
            store.now_us += EPOCH_US - 1
            for process in processes[1:]:
                await take(process, FIRST_BLOCK)  # lent, not asked for
            await take(processes[0], 2 * quota)

        asyncio.run(run())
        assert most_over(quota, allowed) <= 0
        assert len(allowed) > quota * 9 // 10

    def test_the_test_would_notice_loans_that_are_not_counted_twice(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Planted fault: what lapses is forgotten, as if it had been used when it was lent.
        monkeypatch.setattr("tests.support.rate_model.EPOCH_US", 10**18)
        store = ModelStore()
        store.now_us = 0
        row_held = 50

        async def run() -> int:
            taken = await store.take(ONE, 1000, 0, row_held)
            store.rows[ONE].held = 0
            store.now_us += 60_000_000
            return taken.ahead + (await store.take(ONE, 1000, 2000, 0)).granted

        assert asyncio.run(run()) > 1000


class TestFewRoundTrips:
    def test_a_busy_tenant_rarely_asks_the_store(self) -> None:
        steps = [(0, 1, 20_000)] * 60 * 50
        allowed, store = send(60_000, steps[:3000])
        assert len(allowed) == 3000
        assert store.asked <= 60

    def test_a_small_quota_is_never_lent(self) -> None:
        allowed, store = send(10, [(0, 1, 7_000_000)] * 8)
        assert store.asked == len(allowed) == 8

    def test_many_who_come_at_once_share_a_round_trip(self) -> None:
        allowed, store = send(100, [(0, 40, 0)])
        assert len(allowed) == 40
        assert store.asked <= 2


@given(quota=st.integers(1, 1000), steps=Steps)
@settings(max_examples=40, deadline=None)
def test_who_waits_as_told_is_let_in(quota: int, steps: list[tuple[int, int, int]]) -> None:
    store = ModelStore()
    process = Rates(store, store.now_s)

    async def run() -> None:
        for _, count, pause in steps:
            answers = [await process.take(ONE, quota) for _ in range(count)]
            store.now_us += pause
            if not answers[-1].is_allowed:
                store.now_us += answers[-1].wait_s * 1_000_000
                assert (await process.take(ONE, quota)).is_allowed

    asyncio.run(run())


def send_turns(
    quota: int, steps: list[tuple[int, int, int]]
) -> tuple[list[int], list[Rates], ModelStore]:
    """Return when turns were allowed, over three processes that share a store."""
    store = ModelStore()
    processes = [Rates(store, store.now_s) for _ in range(3)]
    allowed: list[int] = []

    async def turn(process: Rates) -> None:
        answer = process.take_at_once(ONE, quota) or await process.take(ONE, quota)
        allowed.extend([store.now_us] if answer.is_allowed or not answer.is_known else [])

    async def run() -> None:
        for process, count, pause in steps:
            await asyncio.gather(*(turn(processes[process]) for _ in range(count)))
            purses = [each._purses[ONE] for each in processes if each._purses]
            await asyncio.gather(*(each.asking for each in purses if each.asking is not None))
            store.now_us += pause

    asyncio.run(run())
    return allowed, processes, store


class TestTurns:
    @settings(max_examples=60, deadline=None)
    @given(quota=st.integers(1, 400), steps=Steps)
    def test_a_process_is_never_more_than_its_credit_ahead(
        self, quota: int, steps: list[tuple[int, int, int]]
    ) -> None:
        allowed, processes, _ = send_turns(quota, steps)
        credit = max(1, quota // CREDIT_PART)
        assert all(each._purses[ONE].owed <= credit for each in processes if each._purses)
        assert most_over(quota, allowed) <= len(processes) * credit

    def test_what_went_on_credit_is_paid(self) -> None:
        # Ten times the quota in turns, for ten minutes: what is ahead once is not ahead twice.
        allowed, _, _ = send_turns(60, [(number % 3, 5, 500_000) for number in range(1200)])
        assert 60 * 10 <= len(allowed) <= 60 + 60 * 10 + 3

    async def test_a_turn_waits_for_nothing(self) -> None:
        store = ModelStore()
        asked = limiter(store, 6000)
        store.hang = asyncio.Event()
        for _ in range(6000 // CREDIT_PART):
            async with asyncio.timeout(0.2):
                headers, refusal = await asked.take(ONE, is_read=False, is_turn=True)
            assert refusal is None
            assert [name for name, _ in headers] == [b"ratelimit-policy"]
        store.hang.set()
        headers, refusal = await asked.take(ONE, is_read=False, is_turn=True)
        assert refusal is None
        assert store.rows[ONE].arrival > 0, "all of it is counted"
        assert asked._rates._purses[ONE].owed == 0

    async def test_a_quota_that_is_used_up_refuses_turns(self) -> None:
        asked = limiter(ModelStore(), 2)
        refusals = []
        for _ in range(6):
            refusals.append((await asked.take(ONE, is_read=False, is_turn=True))[1])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert refusals[:2] == [None, None]
        assert all(isinstance(each, RequestRateError) for each in refusals[3:])

    async def test_without_the_store_few_turns_pass(self) -> None:
        store = ModelStore()
        store.is_down = True
        asked = limiter(store, 300)
        refusals = [(await asked.take(ONE, is_read=False, is_turn=True))[1] for _ in range(5)]
        assert refusals[:3] == [None] * 3
        assert all(isinstance(each, UnavailableError) for each in refusals[3:])


class TestHeaders:
    async def test_every_answer_says_policy_and_state(self) -> None:
        headers, refusal = await limiter(ModelStore(), 60).take(ONE, is_read=True)

        assert refusal is None
        said = dict(headers)
        assert said[b"ratelimit-policy"] == b'"requests";q=60;w=60'
        left = re.fullmatch(rb'"requests";r=(\d+);t=(\d+)', said[b"ratelimit"])
        assert left is not None
        assert 50 <= int(left[1]) <= 59
        assert 1 <= int(left[2]) <= 10

    async def test_a_small_quota_is_told_exactly(self) -> None:
        asked = limiter(ModelStore(), 10)
        seen = [dict((await asked.take(ONE, is_read=False))[0])[b"ratelimit"] for _ in range(3)]
        assert seen == [b'"requests";r=%d;t=%d' % pair for pair in ((9, 6), (8, 12), (7, 18))]

    async def test_a_refusal_names_the_policy_and_when_to_come_back(self) -> None:
        asked = limiter(ModelStore(), 2, jitter=3)
        for _ in range(2):
            assert (await asked.take(ONE, is_read=True))[1] is None
        headers, refusal = await asked.take(ONE, is_read=True)

        assert isinstance(refusal, RequestRateError)
        assert refusal.violated_policies == ("requests",)
        assert refusal.retry_after_s == 30 + 3
        assert dict(headers)[b"ratelimit"] == b'"requests";r=0;t=60'
        assert (await asked.take(TWO, is_read=True))[1] is None, "another tenant is not touched"

    async def test_refused_clients_do_not_return_together(self) -> None:
        waits = set()
        for jitter in range(256):
            asked = limiter(ModelStore(), 1, jitter)
            await asked.take(ONE, is_read=True)
            refusal = (await asked.take(ONE, is_read=True))[1]
            assert refusal is not None
            waits.add(refusal.retry_after_s)
        assert waits == set(range(WINDOW_S, WINDOW_S + JITTER_S + 1))

    async def test_the_form_is_that_of_the_draft(self) -> None:
        headers, _ = await limiter(ModelStore(), 6000).take(ONE, is_read=True)
        for name, value in headers:
            assert re.fullmatch(rb'"[a-z-]+"(;[a-z]=\d+)+', value), name


class TestWithoutTheStore:
    async def test_reads_pass_and_what_may_spend_money_is_refused(self) -> None:
        store = ModelStore()
        store.is_down = True
        asked = limiter(store, 100)

        headers, refusal = await asked.take(ONE, is_read=True)
        assert refusal is None
        assert [name for name, _ in headers] == [b"ratelimit-policy"]
        refusal = (await asked.take(ONE, is_read=False))[1]
        assert isinstance(refusal, UnavailableError)
        assert refusal.retry_after_s is not None
        assert refusal.retry_after_s >= 1

    async def test_it_is_asked_again_after_a_rest(self) -> None:
        store = ModelStore()
        store.is_down = True
        process = Rates(store, store.now_s)
        assert not (await process.take(ONE, 100)).is_known
        store.is_down = False
        assert not (await process.take(ONE, 100)).is_known, "it rests"
        store.now_us += 2_000_000
        assert (await process.take(ONE, 100)).is_allowed

    async def test_what_was_lent_is_still_good(self) -> None:
        store = ModelStore()
        process = Rates(store, store.now_s)
        await process.take(ONE, 6000)
        store.is_down = True
        assert [(await process.take(ONE, 6000)).is_allowed for _ in range(FIRST_BLOCK + 1)] == [
            *[True] * FIRST_BLOCK,
            False,
        ]

    async def test_a_store_that_hangs_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rates_module, "STORE_WAIT_S", 0.01)

        class Hanging(ModelStore):
            async def take(self, *_arguments: Any) -> Any:
                await asyncio.Event().wait()

        answers: list[Allowance] = await asyncio.gather(
            *(Rates(Hanging()).take(ONE, 100) for _ in range(3))
        )
        assert not any(one.is_known for one in answers)


async def test_tenants_that_rest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates_module, "SWEEP_AT", 100)
    store = ModelStore()
    process = Rates(store, store.now_s)
    for number in range(100):
        await process.take(UUID(int=number), 10)
    store.now_us += 2 * EPOCH_US
    await process.take(UUID(int=1000), 10)
    assert len(process._purses) == 1

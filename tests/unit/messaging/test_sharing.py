"""Weighted deficit round robin: shares, what is carried, and the slots of others. [R-C8, R-C9]"""

import random
from collections import Counter, deque
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messaging.sharing import PATIENCE_S, QUANTUM, Line, Share


def share(number: int, weight: int = 1) -> Share:
    made = Share(UUID(int=number))
    made.weight = weight
    return made


def serve(weights: list[int], slots: int, jobs: int, seed: int = 1) -> Counter[int]:
    """Serve tenants that always have work, slots becoming free in any order; return who had what.

    Each ask is answered in full before the next slot becomes free, as on an unloaded server.
    """
    numbers = random.Random(seed)
    line = Line(slots)
    shares = [share(number, weight) for number, weight in enumerate(weights)]
    for one in shares:
        line.join(one)
    free, running, had = slots, deque[Share](), Counter[int]()
    while had.total() < jobs:
        while turn := line.next(free, 0.0):
            who, amount = turn
            free -= amount
            running.extend([who] * amount)
            had[who.tenant_id.int] += amount
            line.join(who)
        running.rotate(numbers.randrange(len(running)))
        line.ended(running.popleft())
        free += 1
    return had


class TestShares:
    def test_three_tenants_five_to_three_to_two(self) -> None:
        for slots in (1, 2, 16, 50, 600):
            had = serve([5, 3, 2], slots, 20_000)
            for number, weight in enumerate((5, 3, 2)):
                assert abs(had[number] / had.total() - weight / 10) < 0.02, slots

    @settings(max_examples=30, deadline=None)
    @given(weights=st.lists(st.integers(1, 20), min_size=2, max_size=8), slots=st.integers(1, 64))
    def test_any_weights(self, weights: list[int], slots: int) -> None:
        jobs = 60 * QUANTUM * sum(weights)
        had = serve(weights, slots, jobs)
        most = slots - slots // 8
        if max(weights) / sum(weights) > 0.95 * most / slots:
            return  # what no single tenant may have, the others get
        for number, weight in enumerate(weights):
            assert abs(had[number] / had.total() - weight / sum(weights)) < 0.05

    def test_equal_rounds_would_be_noticed(self) -> None:
        # Planted fault: everybody weighs the same.
        had = serve([1, 1, 1], 16, 5000)
        assert abs(had[0] / had.total() - 0.5) > 0.1

    def test_a_turn_goes_on_where_it_stopped(self) -> None:
        line = Line(4)
        first, second = share(1, 2), share(2)
        line.join(first)
        line.join(second)
        order = []
        for _ in range(3 * QUANTUM + 1):
            turn = line.next(1, 0.0)
            assert turn is not None
            order.append(turn[0].tenant_id.int)
            line.ended(turn[0])
            line.join(turn[0])
        assert order == [1] * (2 * QUANTUM) + [2] * QUANTUM + [1]

    def test_who_has_nothing_more_loses_the_rest_of_the_turn(self) -> None:
        line = Line(100)
        one = share(1)
        line.join(one)
        assert line.next(100, 0.0) == (one, QUANTUM)
        line.unfilled(one, QUANTUM - 3)
        assert (one.in_flight, one.deficit) == (3, 0)
        line.join(one)
        assert line.next(100, 0.0) == (one, QUANTUM)


class TestSlotsOfOthers:
    def test_one_tenant_never_has_every_slot(self) -> None:
        line = Line(16)
        slow, late = share(1, 50), share(2)
        line.join(slow)
        taken = 0
        while turn := line.next(16 - taken, 0.0):
            taken += turn[1]
            line.join(slow)
        assert taken == 14
        assert slow.is_capped
        line.join(late)
        assert line.next(2, 0.0) == (late, 2)

    def test_who_was_capped_comes_again_when_a_job_of_it_ends(self) -> None:
        line = Line(8)
        one = share(1)
        line.join(one)
        assert line.next(8, 0.0) == (one, 7)
        line.join(one)
        assert line.next(1, 0.0) is None
        assert line.ended(one)
        assert line.next(2, 0.0) == (one, 1)

    def test_a_single_slot_serves_everybody(self) -> None:
        assert serve([1, 1], 1, 1000)[1] > 400


def test_others_wait_for_whom_is_being_answered_but_not_long() -> None:
    line = Line(16)
    first, second = share(1, 2), share(2)
    line.join(first)
    assert line.next(3, 10.0) == (first, 3)
    line.join(second)
    assert line.next(5, 10.05) is None, "the first one's turn lasts"
    line.join(first)
    assert line.next(5, 10.06) == (first, 5)
    assert line.next(5, 11.0) is None
    assert line.next(5, 10.07 + PATIENCE_S) == (second, 5), "the answer may be lost"


def test_an_empty_queue_lets_others_begin_at_once() -> None:
    line = Line(16)
    first, second = share(1, 2), share(2)
    line.join(first)
    assert line.next(3, 0.0) == (first, 3)
    line.join(second)
    line.unfilled(first, 3)
    assert line.next(5, 0.0) == (second, 5)


def test_nobody_is_in_line_twice() -> None:
    line = Line(4)
    one = share(1)
    line.join(one)
    line.join(one)
    assert line.next(4, 0.0) is not None
    assert line.next(4, 0.0) is None
    assert not line

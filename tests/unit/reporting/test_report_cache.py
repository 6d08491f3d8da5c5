"""Kept answers: bounded by size and age, the least used go first."""

from datetime import UTC, datetime

import msgspec

from services.reporting.cache import AnswerCache
from shared.contracts.reports.base import AsOf

ANSWER = AsOf(at=datetime(2026, 9, 1, tzinfo=UTC), position=1, behind=0)
SIZE = len(msgspec.json.encode(ANSWER))


def test_what_was_kept_is_found_until_it_is_old():
    seconds = [0.0]
    cache = AnswerCache(lambda: seconds[0], max_age_s=10)
    cache.put("a", ANSWER)
    seconds[0] = 10.0
    assert cache.get("a") is ANSWER
    assert cache.get("b") is None
    seconds[0] = 10.1
    assert cache.get("a") is None
    assert cache.size_bytes == 0


def test_the_least_used_goes_first():
    cache = AnswerCache(lambda: 0.0, capacity_bytes=2 * SIZE)
    for key in ("a", "b"):
        cache.put(key, ANSWER)
    cache.get("a")
    cache.put("c", ANSWER)
    assert [cache.get(key) is not None for key in ("a", "b", "c")] == [True, False, True]
    assert cache.size_bytes == 2 * SIZE
    cache.put("a", ANSWER)
    assert cache.size_bytes == 2 * SIZE


def test_an_answer_bigger_than_everything_is_not_kept():
    cache = AnswerCache(lambda: 0.0, capacity_bytes=SIZE - 1)
    cache.put("a", ANSWER)
    assert cache.get("a") is None
    assert cache.size_bytes == 0

"""Three times more turns than the product can answer, for two minutes: what is still answered.

The peak is measured first, by as many learners as are answered fastest. Then turns are offered at
three times that rate, whatever becomes of them. Good is a turn whose reply came within the wait of
the API; all else must be a 429 or a 503 that says when to come back.

No conversation ends meanwhile: what ends is judged, and judging would be paid for by the overload
alone, because only then conversations grow old.
"""

import asyncio
import itertools
import time
from collections import Counter
from typing import Any, Final

from infra.bench.http import Connection, HttpError
from infra.bench.product import descendants, pss_mb
from infra.bench.resting import new_learner, quiet, settled
from infra.bench.rows import Report
from infra.bench.turns import LINES, SCENARIO
from infra.supervisor import UpFile

LEARNERS: Final = (32, 64)
"""At once, while the peak is looked for."""

PEAK_S: Final = 15.0
TIMES: Final = 3
OVERLOAD_S: Final = 120.0
RAMP_S: Final = 5.0
"""What is answered in the first seconds does not count, nor what is answered after the last."""

SIMULATIONS: Final = 4000
"""Conversations that turns are offered to; one that waits for a reply takes none meanwhile."""

MOST_TURNS: Final = 12
"""Learner turns of a conversation; with two more of these lines the customer would leave."""

LATE_LOOK_S: Final = 1.0
REFUSALS: Final = frozenset({429, 503})
ANSWERED: Final = frozenset({200, 201, 202})


class _Talk:
    """A conversation with a connection of its own."""

    def __init__(self, connection: Connection, simulation: str) -> None:
        self.connection = connection
        self.path = f"/v1/simulations/{simulation}/turns"
        self.last_seq = 0
        self.is_busy = False


class _Tally:
    """What became of the turns."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()
        self.good = 0
        self.without_retry = 0


async def goodput(report: Report, up: UpFile) -> None:
    """Measure peak and overload."""
    learner, scenario = await new_learner(up), await _endless(up)
    pids = descendants(up.pids["supervisor"])
    talks = await _open(up, learner, scenario, SIMULATIONS)
    await settled(up)
    await quiet(pids)
    peak = 0.0
    for learners in LEARNERS:
        peak = max(peak, await _closed(talks, learners))
    await settled(up)
    before = pss_mb(pids)
    most, tally = await _offered(talks, TIMES * peak, pids)
    good = tally.good / (OVERLOAD_S - RAMP_S)
    refused = sum(count for status, count in tally.answers.items() if status in REFUSALS)
    wrong = tally.answers.total() - refused - sum(tally.answers[status] for status in ANSWERED)
    report.add("ops.peak_turns_per_s", peak, "1/s")
    report.add("ops.overload_turns_per_s", good, "1/s")
    report.add("ops.overload_refused_per_s", refused / OVERLOAD_S, "1/s")
    report.add("ops.overload_late_per_s", tally.answers[202] / OVERLOAD_S, "1/s")
    report.add("ops.overload_errors", wrong + tally.without_retry, "", 0)
    report.add("ops.overload_memory_x", most / before, "x", 2)
    report.add("ops.goodput_at_3x", good / peak, "x", 0.9, "least")


async def _endless(up: UpFile) -> str:
    """Publish a customer whose patience is without end, or nearly so; return the slug."""
    connection = await Connection.open(up.api_url, up.api_key)
    _, found = await connection.request("GET", f"/v1/scenarios?slug={SCENARIO}")
    _, version = await connection.request(
        "GET", f"/v1/scenarios/{found['data'][0]['id']}/versions/1"
    )
    spec = version["spec"]
    spec |= {"slug": f"endless-{time.time_ns()}", "max_turns": 60, "difficulty": 1}
    spec["leaving"] = {"patience": 0, "frustration": 100, "warnings": 3}
    spec["opening"]["mind"]["patience"] = 100
    draft = await connection.post("/v1/scenarios", {"spec": spec}, 201)
    await connection.post(f"/v1/scenarios/{draft['id']}/publish", None, 201)
    slug: str = spec["slug"]
    return slug


async def _open(up: UpFile, learner: str, scenario: str, amount: int) -> list[_Talk]:
    talks: list[_Talk] = []
    body = {"scenario": scenario, "learner_id": learner, "mode": "interactive"}
    for start in range(0, amount, 100):
        talks += await asyncio.gather(
            *(_begin(up, {**body, "seed": seed}) for seed in range(start, start + 100))
        )
    return talks


async def _begin(up: UpFile, body: dict[str, Any]) -> _Talk:
    connection = await Connection.open(up.api_url, up.api_key)
    created = await connection.post("/v1/simulations", body, 201)
    return _Talk(connection, created["id"])


async def _closed(talks: list[_Talk], learners: int) -> float:
    """Return turns per second of learners who each speak as soon as they were answered."""
    tally, until = _Tally(), time.perf_counter() + PEAK_S

    async def learner(number: int) -> None:
        mine = itertools.cycle(talks[number::learners])
        while time.perf_counter() < until:
            await _say(next(mine), tally)

    await asyncio.gather(*map(learner, range(learners)))
    return tally.good / PEAK_S


async def _offered(talks: list[_Talk], per_s: float, pids: list[int]) -> tuple[float, _Tally]:
    """Offer turns at a rate; return the most memory meanwhile (MB), and what became of them."""
    tally, most = _Tally(), 0.0
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()
    start, offered, place = loop.time(), 0, 0
    looked, early = start, 0
    while loop.time() - start < OVERLOAD_S:
        if loop.time() - start < RAMP_S:
            early = tally.good
        due = int((loop.time() - start) * per_s)
        while offered < due:
            place, talk = _next_free(talks, place)
            offered += 1
            if talk is None:  # everybody waits: this turn is not even offered
                continue
            task = loop.create_task(_say(talk, tally))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if loop.time() - looked > 2.0:
            looked = loop.time()
            most = max(most, pss_mb(pids))
        await asyncio.sleep(0.005)
    good = tally.good - early
    await asyncio.gather(*tasks)
    tally.good = good
    return most, tally


def _next_free(talks: list[_Talk], place: int) -> tuple[int, _Talk | None]:
    for step in range(len(talks)):
        at = (place + step) % len(talks)
        if not talks[at].is_busy and talks[at].last_seq < 2 * MOST_TURNS:
            return at + 1, talks[at]
    return place, None


async def _say(talk: _Talk, tally: _Tally) -> None:
    talk.is_busy = True
    try:
        body = {"text": LINES[talk.last_seq // 2 % len(LINES)], "expected_seq": talk.last_seq}
        status, answer = await talk.connection.request("POST", talk.path, body)
        tally.answers[status] += 1
        if status in {200, 201} and answer["reply"] is not None:
            tally.good += 1
            talk.last_seq += 2
        elif status == 202:
            await _catch_up(talk)
        elif status in REFUSALS and "retry-after" not in talk.connection.headers:
            tally.without_retry += 1
    except HttpError:
        tally.answers[0] += 1
        return  # its connection is gone; it stays busy and is not used again
    talk.is_busy = False


async def _catch_up(talk: _Talk) -> None:
    """Find out where a conversation stands whose reply came late."""
    path = f"{talk.path}?after_seq={talk.last_seq}"
    while True:
        status, answer = await talk.connection.request("GET", path)
        if status == 200 and len(answer["data"]) >= 2:
            talk.last_seq += 2
            return
        await asyncio.sleep(LATE_LOOK_S)

"""Made-up scores of many tenants, a few of them big: facts, attempts and rollups that agree."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.distributions import CELLS, pack, sums
from services.reporting.trends.people import PERSON, split
from shared.library.skills import load_skills

TENANTS: Final = 100
TEAMS: Final = 20
PEOPLE: Final = 400
"""In each tenant, spread evenly over its teams."""
DAYS: Final = 365
LAST: Final = date(2026, 6, 30)
"""The last day; the first is `DAYS` - 1 before it."""
FIRST: Final = LAST - timedelta(days=DAYS - 1)
SKILLS: Final = tuple(sorted(load_skills())[:12])
SOURCES: Final = ("simulation", "call")

_SHIFT: Final = -0.629
_SKEW: Final = 0.709
"""Tenant i has a share like (i + shift) ** -skew: the first 17.1 %, the middle one 0.53 %."""

_WEEK: Final = 7
_EPOCH: Final = date(2000, 1, 1)
"""Where the binary form of PostgreSQL counts days from."""

Integers = npt.NDArray[np.int64]


class Tenant(NamedTuple):
    """Who is in a tenant; ids are sorted."""

    tenant_id: UUID
    teams: tuple[UUID, ...]
    people: tuple[bytes, ...]
    attempts: int


class Attempts(NamedTuple):
    """Scored conversations, in order of their days."""

    day: Integers
    """From 0."""
    person: Integers
    source: Integers
    """Index into `SOURCES`."""
    scores: Integers
    """One row per attempt, one column per skill; 0..100."""

    @property
    def team(self) -> Integers:
        """Of each attempt's person."""
        return self.person % TEAMS


class RollupRow(NamedTuple):
    """A row of `report.rollups`, as it is copied."""

    tenant_id: UUID
    team_id: UUID
    skill: str
    source: str
    bucket: date
    n: int
    total: int
    squares: int
    histogram: bytes
    people: bytes


def attempts_by_tenant(facts: int) -> list[int]:
    """Return how many attempts each tenant has, the biggest first; `facts` scores in all."""
    weights = (np.arange(1, TENANTS + 1) + _SHIFT) ** -_SKEW
    amounts = weights / weights.sum() * facts / len(SKILLS)
    return [max(1, round(each)) for each in amounts.tolist()]


def make_attempts(random: np.random.Generator, amount: int) -> Attempts:
    """Return conversations of people who differ, and whose teams do, a little better each month."""
    person = random.integers(0, PEOPLE, amount)
    day = np.sort(random.integers(0, DAYS, amount))
    level = random.normal(62, 8, PEOPLE) + random.normal(0, 3, TEAMS)[np.arange(PEOPLE) % TEAMS]
    skill = random.normal(0, 5, len(SKILLS))
    noise = random.normal(0, 11, (amount, len(SKILLS)))
    scores = level[person, None] + skill + (day / 60)[:, None] + noise
    return Attempts(
        day=day,
        person=person,
        source=(random.random(amount) < 0.4).astype(np.int64),  # the share of calls
        scores=np.clip(np.rint(scores), 0, 100).astype(np.int64),
    )


def rollups_of(tenant: Tenant, attempts: Attempts) -> Iterator[RollupRow]:
    """Yield the rollups of all scores, sorted by their key's parts."""
    days = [FIRST + timedelta(days=each) for each in range(DAYS)]
    buckets = sorted({bucket_of(day) for day in days})
    places = {bucket: index for index, bucket in enumerate(buckets)}
    bucket = np.array([places[bucket_of(day)] for day in days])[attempts.day]
    skills = np.arange(len(SKILLS))
    cell = attempts.team[:, None] * len(SKILLS) + skills
    cell = (cell * len(SOURCES) + attempts.source[:, None]) * len(buckets) + bucket[:, None]
    cells, row = np.unique(cell.ravel(), return_inverse=True)
    scores = attempts.scores.ravel()
    histograms = np.bincount(row * CELLS + scores, minlength=len(cells) * CELLS)
    histograms = histograms.reshape(-1, CELLS)
    n, total, squares = (each.tolist() for each in sums(histograms))
    people = _people(tenant, np.repeat(attempts.person, len(SKILLS)), row, scores, len(cells))
    packed = pack(histograms)
    for index, one in enumerate(cells.tolist()):
        rest, at = divmod(one, len(buckets))
        rest, source = divmod(rest, len(SOURCES))
        team, skill = divmod(rest, len(SKILLS))
        yield RollupRow(
            tenant.tenant_id, tenant.teams[team], SKILLS[skill], SOURCES[source], buckets[at],
            n[index], total[index], squares[index], packed[index], people[index],
        )  # fmt: skip


def _people(
    tenant: Tenant, person: Integers, row: Integers, scores: Integers, rows: int
) -> list[bytes]:
    pairs, place = np.unique(row * PEOPLE + person, return_inverse=True)
    records = np.zeros(len(pairs), PERSON)
    # Ids are sorted, so the order of their numbers is that of the ids.
    records["person"] = np.array(tenant.people, "S16")[pairs % PEOPLE]
    records["n"] = np.bincount(place)
    records["total"] = np.bincount(place, weights=scores).astype(np.int64)
    return split(pairs // PEOPLE, records, rows)


class Copied(NamedTuple):
    """Rows in PostgreSQL's binary form, of one stretch of time."""

    facts: bytes
    attempts: bytes


def copied(tenant: Tenant, attempts: Attempts, number: int) -> Iterator[Copied]:
    """Yield all attempts week by week: rows lie on the disk in the order of time, nearly.

    Args:
        tenant: whose they are; `number` is unique to it.
        attempts: as made.
        number: ids begin with it.
    """
    for start in range(0, DAYS, _WEEK):
        first, last = np.searchsorted(attempts.day, (start, start + _WEEK))
        facts, rows = b"", b""
        for source in range(len(SOURCES)):
            chosen = np.flatnonzero(attempts.source[first:last] == source) + first
            if len(chosen):
                facts += _facts(tenant, attempts, chosen, number)
                rows += _attempts(tenant, attempts, chosen, number)
        if facts:
            yield Copied(facts, rows)


_FACT: Final = (
    "tenant",
    "scoring",
    "skill",
    "revision",
    "team",
    "person",
    "source",
    "day",
    "score",
)
_ATTEMPT: Final = (
    "tenant", "scoring", "assessment", "revision", "person", "team", "source", "day", "rubric",
    "rubric_version", "engine", "overall",
)  # fmt: skip
_NUMBERS: Final = {
    "revision": ">i4", "day": ">i4", "score": ">i2", "overall": ">i2", "rubric_version": ">i4",
}  # fmt: skip
_ENGINE: Final = "embedded-2"
_RUBRIC: Final = UUID(int=1)


def _row_type(columns: tuple[str, ...], texts: dict[str, str]) -> np.dtype[np.void]:
    """Return the binary form of a row: a count of columns, and of each its length and bytes."""
    fields: list[tuple[str, str]] = [("columns", ">i2")]
    for name in columns:
        kind = _NUMBERS.get(name) or (f"S{len(texts[name])}" if name in texts else "S16")
        fields += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(fields)


def _fill(rows: npt.NDArray[np.void], columns: tuple[str, ...], values: dict[str, object]) -> None:
    rows["columns"] = len(columns)
    for name in columns:
        rows[f"{name}_length"] = rows.dtype[name].itemsize
        rows[name] = values[name]


def _common(tenant: Tenant, attempts: Attempts, chosen: Integers, number: int) -> dict[str, object]:
    scoring = np.zeros(len(chosen), [("tenant", ">u8"), ("number", ">u8")])
    scoring["tenant"], scoring["number"] = number + 1, chosen + 1
    teams = np.array([each.bytes for each in tenant.teams], "S16")
    return {
        "tenant": tenant.tenant_id.bytes,
        "scoring": scoring.view("S16"),
        "assessment": scoring.view("S16"),
        "revision": 1,
        "team": teams[attempts.team[chosen]],
        "person": np.array(tenant.people, "S16")[attempts.person[chosen]],
        "source": SOURCES[int(attempts.source[chosen[0]])].encode(),
        "day": attempts.day[chosen] + (FIRST - _EPOCH).days,
        "rubric": _RUBRIC.bytes,
        "rubric_version": 1,
        "engine": _ENGINE.encode(),
    }


def _facts(tenant: Tenant, attempts: Attempts, chosen: Integers, number: int) -> bytes:
    common = _common(tenant, attempts, chosen, number)
    source = SOURCES[int(attempts.source[chosen[0]])]
    kinds = [_row_type(_FACT, {"skill": skill, "source": source}) for skill in SKILLS]
    rows = np.empty(len(chosen), [(f"f{index}", kind) for index, kind in enumerate(kinds)])
    for index, skill in enumerate(SKILLS):
        scored = {"skill": skill.encode(), "score": attempts.scores[chosen, index]}
        _fill(rows[f"f{index}"], _FACT, common | scored)
    return rows.tobytes()


def _attempts(tenant: Tenant, attempts: Attempts, chosen: Integers, number: int) -> bytes:
    source = SOURCES[int(attempts.source[chosen[0]])]
    kind = _row_type(_ATTEMPT, {"source": source, "engine": _ENGINE})
    rows = np.empty(len(chosen), kind)
    overall = np.rint(attempts.scores[chosen].mean(axis=1))
    _fill(rows, _ATTEMPT, _common(tenant, attempts, chosen, number) | {"overall": overall})
    return rows.tobytes()


FACT_COLUMNS: Final = (
    "tenant_id", "scoring_id", "skill", "revision", "team_id", "person_id", "source", "day",
    "score",
)  # fmt: skip
ATTEMPT_COLUMNS: Final = (
    "tenant_id", "scoring_id", "assessment_id", "revision", "person_id", "team_id", "source", "day",
    "rubric_id", "rubric_version", "engine", "overall",
)  # fmt: skip

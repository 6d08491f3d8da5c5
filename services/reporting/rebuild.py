"""Recompute what is counted from scratch: `verify` says what differs, `rebuild` puts it right.

Both hold the consumer's lock on the tenant, so folding waits; readers see the old rows until the
commit. Attempts and facts are compared scoring by scoring with the assessments, rollups team by
team with the facts, the latter counted in a way that shares nothing with the code that moves them.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

from services.reporting import attempt_repository, repository, rollup_repository
from services.reporting.trends.facts import Attempt, Cell, Fact, FactKey, facts_of, key_of
from services.reporting.trends.people import PERSON
from services.reporting.trends.rollups import Rollup
from shared.contracts.base import Record
from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx

PAGE_SCORINGS = 1000
"""Scorings compared at a time: bounds memory (about twelve facts each)."""

MAX_DIFFERENCES = 1000
"""How many are listed; where so many rows are wrong, the rest says no more."""

K = TypeVar("K")
V = TypeVar("V")


class Difference(Record, frozen=True, kw_only=True):
    """One row that is not what it should be."""

    table: Literal["attempts", "facts", "rollups"]
    row: UUID | FactKey | Cell
    """An attempt's scoring, or a key."""
    stored: str | None
    """What stands there, in a few numbers; None when the row is missing."""
    expected: str | None
    """What should; None when the row should not exist."""


class Pair(NamedTuple, Generic[V]):
    """A row as it stands and as it should be; None where there is none."""

    stored: V | None
    expected: V | None


class Page(NamedTuple):
    """What is wrong about some scorings."""

    attempts: dict[UUID, Pair[Attempt]]
    facts: dict[FactKey, Pair[Fact]]

    @property
    def scoring_ids(self) -> set[UUID]:
        """Which scorings."""
        return {*self.attempts, *(key.scoring_id for key in self.facts)}


async def verify(database: Database, tenant_id: UUID) -> list[Difference]:
    """Return the wrong rows of a tenant, `MAX_DIFFERENCES` at most.

    Events and marks that are not folded yet are no difference. Rollups are judged by the stored
    facts, so one wrong fact is one difference.
    """
    found: list[Difference] = []
    async with tenant_tx(database, tenant_id) as connection:
        position = await repository.lock_position(connection, tenant_id)
        async for page in _wrong_scorings(connection, tenant_id):
            # Asked after the assessments were read: whatever came in between has its event by now.
            pending = await repository.pending_scorings(
                connection, tenant_id, position, list(page.scoring_ids)
            )
            found += _differences(page, pending)
            if len(found) >= MAX_DIFFERENCES:
                return found[:MAX_DIFFERENCES]
        async for wrong in _wrong_rollups(connection, tenant_id):
            found += [_difference("rollups", cell, pair) for cell, pair in wrong.items()]
    return found[:MAX_DIFFERENCES]


async def rebuild(database: Database, tenant_id: UUID, *, is_needed: bool = True) -> int:
    """Make everything that is counted of a tenant right, in one transaction; return wrong rows.

    Marks that stand are taken up by it. Where `is_needed` is False, it is only done when a mark
    still asks for it once nobody else is at it.
    """
    changed = 0
    async with tenant_tx(database, tenant_id) as connection:
        await repository.lock_position(connection, tenant_id)
        if not (is_needed or await repository.is_rebuilding(connection, tenant_id)):
            return 0
        marks = await repository.all_marks(connection, tenant_id)
        async for page in _wrong_scorings(connection, tenant_id):
            await _mend_scorings(connection, tenant_id, page)
            changed += len(page.attempts) + len(page.facts)
        async for wrong in _wrong_rollups(connection, tenant_id):
            right = {cell: pair.expected for cell, pair in wrong.items()}
            known = {cell for cell, pair in wrong.items() if pair.stored is not None}
            await rollup_repository.write(connection, tenant_id, right, known)
            changed += len(wrong)
        await rollup_repository.drop_months(connection, tenant_id)
        await repository.drop_marks(connection, tenant_id, marks)
        if changed:
            await repository.count_version(connection, tenant_id)
    return changed


async def _wrong_scorings(connection: Connection, tenant_id: UUID) -> AsyncIterator[Page]:
    after = UUID(int=0)
    while scoring_ids := await repository.scoring_page(connection, tenant_id, after, PAGE_SCORINGS):
        wanted = await attempt_repository.wanted(connection, tenant_id, scoring_ids)
        stored = await attempt_repository.stored(connection, tenant_id, scoring_ids)
        facts = await attempt_repository.stored_facts(connection, tenant_id, scoring_ids)
        page = Page(
            attempts=_wrong(
                {key: counted.attempt for key, counted in stored.items()},
                {key: counted.attempt for key, counted in wanted.items()},
            ),
            facts=_wrong(
                {key_of(fact): fact for fact in facts},
                {key_of(fact): fact for fact in facts_of(wanted.values())},
            ),
        )
        if page.attempts or page.facts:
            yield page
        after = scoring_ids[-1]


async def _wrong_rollups(
    connection: Connection, tenant_id: UUID
) -> AsyncIterator[dict[Cell, Pair[Rollup]]]:
    for team_id in await rollup_repository.teams(connection, tenant_id):
        stored = await rollup_repository.of_team(connection, tenant_id, team_id)
        yield _wrong(stored, await rollup_repository.counted(connection, tenant_id, team_id))


async def _mend_scorings(connection: Connection, tenant_id: UUID, page: Page) -> None:
    attempts, facts = page.attempts.items(), page.facts.items()
    await attempt_repository.drop_attempts(
        connection, tenant_id, [key for key, pair in attempts if pair.expected is None]
    )
    await attempt_repository.drop_facts(
        connection, tenant_id, [key for key, pair in facts if pair.expected is None]
    )
    await attempt_repository.put_attempts(
        connection, tenant_id, [pair.expected for _, pair in attempts if pair.expected is not None]
    )
    await attempt_repository.put_facts(
        connection, tenant_id, [pair.expected for _, pair in facts if pair.expected is not None]
    )


def _wrong(stored: Mapping[K, V], expected: Mapping[K, V]) -> dict[K, Pair[V]]:
    return {
        key: Pair(stored.get(key), expected.get(key))
        for key in dict.fromkeys((*stored, *expected))
        if stored.get(key) != expected.get(key)
    }


def _differences(page: Page, besides: set[UUID]) -> list[Difference]:
    """Return what is wrong about scorings, those aside that are only late."""
    attempts = [
        _difference("attempts", key, pair)
        for key, pair in page.attempts.items()
        if key not in besides
    ]
    facts = [
        _difference("facts", key, pair)
        for key, pair in page.facts.items()
        if key.scoring_id not in besides
    ]
    return attempts + facts


def _difference(
    table: Literal["attempts", "facts", "rollups"],
    row: UUID | FactKey | Cell,
    pair: Pair[Attempt] | Pair[Fact] | Pair[Rollup],
) -> Difference:
    return Difference(
        table=table, row=row, stored=_text(pair.stored), expected=_text(pair.expected)
    )


def _text(row: Attempt | Fact | Rollup | None) -> str | None:
    match row:
        case None:
            return None
        case Rollup():
            return f"n {row.n}, total {row.total}, people {len(row.people) // PERSON.itemsize}"
        case Fact():
            return f"revision {row.revision}, {row.day}, score {row.score}, team {row.team_id}"
        case Attempt():
            return f"revision {row.revision}, {row.day}, overall {row.overall}, team {row.team_id}"

"""The audit trail: nobody changes what is sealed, and every way of doing it anyway is found. [R-C15]"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.orchestrator.retention.pruning import prune
from services.orchestrator.trail.sealer import PER_PASS, Sealer
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from shared.ids import Uuid7Maker
from shared.trail import verifying
from shared.trail.chain import HeadSigner, genesis, link
from shared.trail.entries import FLEET, SYSTEM, Actor, Entry, check, digest, record, record_fleet
from shared.trail.reading import Filters, Sealed, list_chains, matching, whole
from shared.trail.verifying import verify
from tests.integration.trail.conftest import SetClock

IDS = Uuid7Maker()


class Book:
    """A chain of the test's own."""

    def __init__(self, database: Database, sealer: Sealer, clock: SetClock) -> None:
        self._database, self._sealer, self._clock = database, sealer, clock
        self.tenant_id = IDS.new()

    def entry(self, action: str = "key.created", **fields: object) -> Entry:
        values = {
            "tenant_id": self.tenant_id,
            "actor": Actor(kind="key", id=IDS.new()),
            "action": action,
            "target": "settings/retention",
            "request_id": "req_1",
            "at": self._clock.now(),
            "before": digest({"days": 30}),
            "facts": {"days": 30, "is_new": True, "kind": "export"},
        }
        return Entry(**{**values, **fields})  # type: ignore[arg-type]  # a test's shorthand

    async def add(self, amount: int = 1, *, seal: bool = True) -> None:
        async with tenant_tx(self._database, self.tenant_id) as connection:
            for _ in range(amount):
                await record(connection, self.entry())
        if seal:
            await self.seal()

    async def seal(self) -> None:
        while await self._sealer.seal():
            pass

    async def read(self) -> list[Sealed]:
        return [one async for one in whole(self._database, self.tenant_id)]


@pytest.fixture
def book(database: Database, sealer: Sealer, clock: SetClock) -> Book:
    return Book(database, sealer, clock)


@pytest.fixture
async def owner(database_url: str):
    """Who can do anything: the owner of the tables."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("alter role current_user bypassrls")
    yield connection
    await connection.close()


class TestSealing:
    async def test_entries_are_chained_in_order_and_verify(
        self, book: Book, database: Database, signer: HeadSigner
    ) -> None:
        await book.add(3)
        await book.add(2)
        found = await book.read()
        assert [one.position for one in found] == [1, 2, 3, 4, 5]
        before = genesis(book.tenant_id)
        for one in found:  # as anybody could who has an export
            assert digest(one.content) == one.entry_hash
            before = link(before, one.position, one.entry_hash)
            assert before == one.hash
        verdict = await verify(database, book.tenant_id, signer)
        assert (verdict.entries, verdict.findings) == (5, ())

    async def test_more_than_one_pass_and_two_sealers_at_once(
        self, book: Book, database: Database, signer: HeadSigner, clock: SetClock
    ) -> None:
        await book.add(PER_PASS + 7, seal=False)
        other = Sealer(database, clock, signer)
        for _ in range(6):
            await asyncio.gather(book._sealer.seal(), other.seal())
        found = await book.read()
        assert [one.position for one in found] == list(range(1, PER_PASS + 8))
        assert not (await verify(database, book.tenant_id, signer)).findings

    async def test_a_rolled_back_change_leaves_no_entry(self, book: Book, database) -> None:
        async def fail() -> None:
            async with tenant_tx(database, book.tenant_id) as connection:
                await record(connection, book.entry())
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await fail()
        await book.seal()
        assert await book.read() == []

    async def test_what_operators_do_stands_in_two_chains(
        self, book: Book, database, signer
    ) -> None:
        operator = Actor(kind="operator", id=IDS.new())
        async with system_tx(database) as connection:
            await record_fleet(connection, book.entry("tenant.suspended", actor=operator))
        await book.seal()
        (told,) = await book.read()
        assert (told.entry.actor.kind, told.entry.actor.id) == ("operator", None)
        fleet = [one async for one in whole(database, FLEET)][-1]
        assert (fleet.about, fleet.entry.actor) == (book.tenant_id, operator)
        assert not (await verify(database, FLEET, signer)).findings

    async def test_filters(self, book: Book, database, clock) -> None:
        async with tenant_tx(database, book.tenant_id) as connection:
            for action in ("key.created", "key.rolled", "keys.listed"):
                await record(connection, book.entry(action, target=f"x/{action}"))
        await book.seal()

        async def actions(before: int = 0, limit: int = 9, **fields: object) -> list[str]:
            async with tenant_tx(database, book.tenant_id) as connection:
                found = await matching(
                    connection,
                    book.tenant_id,
                    Filters(**fields),  # type: ignore[arg-type]  # a test's shorthand
                    before=before,
                    limit=limit,
                )
            return [one.entry.action for one in found]

        assert await actions() == ["keys.listed", "key.rolled", "key.created"]
        assert await actions(action="key") == ["key.rolled", "key.created"]
        assert await actions(action="key.rolled") == ["key.rolled"]
        assert await actions(target="x/keys.listed") == ["keys.listed"]
        assert await actions(before=3, limit=1) == ["key.rolled"]
        assert await actions(until=clock.now()) == []
        assert len(await actions(since=clock.now())) == 3
        assert await actions(actor_id=IDS.new()) == []


class TestNobodyMay:
    """What the roles of the services cannot do at all."""

    @pytest.mark.parametrize(
        "statement",
        [
            "update trail set target = 'x' where tenant_id = $1",
            "update trail set hash = null where tenant_id = $1",
            "delete from trail where tenant_id = $1",
            "delete from trail_heads where tenant_id = $1",
        ],
    )
    async def test_the_app_role_changes_nothing(self, book: Book, database, statement) -> None:
        await book.add()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(database, book.tenant_id) as connection:
                await connection.execute(statement, book.tenant_id)

    async def test_the_app_role_seals_nothing(self, book: Book, database) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(database, book.tenant_id) as connection:
                await connection.execute(
                    "insert into trail (tenant_id, actor_kind, action, target, request_id, at, facts,"
                    " entry_hash, position, hash) values ($1, 'key', 'a.b', 'x', '', now(), '{}',"
                    " sha256('x'), 1, sha256('x'))",
                    book.tenant_id,
                )

    @pytest.mark.parametrize(
        "statement",
        [
            "update trail set hash = sha256('x') where tenant_id = $1",
            "delete from trail where tenant_id = $1",
        ],
    )
    async def test_the_system_role_does_not_reach_what_is_sealed(
        self, book: Book, database, statement
    ) -> None:
        await book.add(2)
        async with system_tx(database) as connection:
            assert (await connection.execute(statement, book.tenant_id)).endswith(" 0")


Tamper = Callable[[asyncpg.Connection, UUID], Awaitable[object]]


def _sql(statement: str) -> Tamper:
    return lambda owner, tenant_id: owner.execute(statement, tenant_id)


async def _swap(owner: asyncpg.Connection, tenant_id: UUID) -> None:
    """Two entries change their places with all their hashes."""
    statement = "update app.trail set position = $3 where tenant_id = $1 and position = $2"
    for now, then in ((2, 99), (3, 2), (99, 3)):
        await owner.execute(statement, tenant_id, now, then)


async def _rechain(owner: asyncpg.Connection, tenant_id: UUID) -> None:
    """Change an entry, and make every hash after it anew, the head's as well."""
    await owner.execute(
        "update app.trail set entry_hash = sha256('x') where tenant_id = $1 and position = 3",
        tenant_id,
    )
    previous = genesis(tenant_id)
    for row in await owner.fetch(
        "select position, entry_hash from app.trail where tenant_id = $1 order by position",
        tenant_id,
    ):
        previous = link(previous, row["position"], row["entry_hash"])
        await owner.execute(
            "update app.trail set hash = $3 where tenant_id = $1 and position = $2",
            tenant_id,
            row["position"],
            previous,
        )
    await owner.execute(
        "update app.trail_heads set hash = $2 where tenant_id = $1", tenant_id, previous
    )


async def _forget(owner: asyncpg.Connection, tenant_id: UUID) -> None:
    """Remove an entry and move those after it up."""
    await owner.execute("delete from app.trail where tenant_id = $1 and position = 3", tenant_id)
    for place in (4, 5):
        await owner.execute(
            "update app.trail set position = $2 - 1 where tenant_id = $1 and position = $2",
            tenant_id,
            place,
        )
    await owner.execute("update app.trail_heads set position = 4 where tenant_id = $1", tenant_id)


AT_3 = "where tenant_id = $1 and position = 3"
COPY = (
    "insert into app.trail (tenant_id, actor_kind, action, target, request_id, at, facts, entry_hash,"
    " position, hash) select tenant_id, actor_kind, action, target, request_id, at, facts, entry_hash,"
    " {place}, hash from app.trail where tenant_id = $1 and position = 5"
)


class TestTampering:
    """With every right on the tables. Each must be found, and where it was done."""

    @pytest.mark.parametrize(
        ("tamper", "kind", "position"),
        [
            (_sql(f"update app.trail set action = 'key.deleted' {AT_3}"), "changed", 3),
            (_sql(f"update app.trail set at = at + interval '1 second' {AT_3}"), "changed", 3),
            (
                _sql(f"update app.trail set facts = facts || '{{\"days\": 31}}' {AT_3}"),
                "changed",
                3,
            ),
            (_sql(f"update app.trail set actor_id = null {AT_3}"), "changed", 3),
            (_sql(f"update app.trail set before_digest = null {AT_3}"), "changed", 3),
            (_sql(f"update app.trail set entry_hash = sha256('x') {AT_3}"), "changed", 3),
            (_sql(f"update app.trail set hash = sha256('x') {AT_3}"), "broken-link", 3),
            (_sql(f"delete from app.trail {AT_3}"), "missing", 3),
            (_sql("delete from app.trail where tenant_id = $1 and position = 1"), "missing", 1),
            (_sql("delete from app.trail where tenant_id = $1 and position >= 4"), "missing", 5),
            (_sql(COPY.format(place=6)), "broken-link", 6),
            (_swap, "broken-link", 2),
            (_forget, "broken-link", 3),
            (_rechain, "changed", 3),
            (_rechain, "signature", 5),
            (_sql("delete from app.trail_heads where tenant_id = $1"), "beyond-head", 5),
            (
                _sql("update app.trail_heads set position = 4 where tenant_id = $1"),
                "signature",
                4,
            ),
        ],
    )
    async def test_it_is_found(
        self, book: Book, database, signer, owner, tamper: Tamper, kind: str, position: int
    ) -> None:
        await book.add(5)
        await tamper(owner, book.tenant_id)
        verdict = await verify(database, book.tenant_id, signer)
        assert (kind, position) in [(one.kind, one.position) for one in verdict.findings]

    async def test_a_chain_cut_with_its_old_head_is_found_by_a_head_kept_elsewhere(
        self, book: Book, database, signer, owner
    ) -> None:
        await book.add(3)
        old = await owner.fetchrow(
            "select position, hash, mac from app.trail_heads where tenant_id = $1", book.tenant_id
        )
        await book.add(2)
        kept = {5: (await book.read())[-1].hash}
        assert not (await verify(database, book.tenant_id, signer, kept)).findings
        await owner.execute(
            "delete from app.trail where tenant_id = $1 and position > 3", book.tenant_id
        )
        await owner.execute(
            "update app.trail_heads set position = $2, hash = $3, mac = $4 where tenant_id = $1",
            book.tenant_id,
            *old,
        )
        assert not (await verify(database, book.tenant_id, signer)).findings  # all of it is true
        (finding,) = (await verify(database, book.tenant_id, signer, kept)).findings
        assert (finding.kind, finding.position) == ("elsewhere", 5)

    async def test_a_chain_without_its_head_is_among_all_chains(
        self, book: Book, database, owner
    ) -> None:
        await book.add()
        await owner.execute("delete from app.trail_heads where tenant_id = $1", book.tenant_id)
        try:
            assert book.tenant_id in await list_chains(database)
        finally:  # the sealer could not go on with it
            await owner.execute("delete from app.trail where tenant_id = $1", book.tenant_id)

    async def test_what_is_pruned_while_it_is_read_is_no_finding(
        self, book: Book, database, signer, clock, monkeypatch
    ) -> None:
        clock.pass_by(-timedelta(days=500))
        await book.add(3)
        clock.pass_by(timedelta(days=500))
        await book.add(2)
        passes = []

        async def pruned_meanwhile(*arguments: Any, **options: Any) -> AsyncIterator[Sealed]:
            passes.append(await prune(database, signer, book.tenant_id, clock.now()))
            async for one in whole(*arguments, **options):
                yield one

        monkeypatch.setattr(verifying, "whole", pruned_meanwhile)
        before = clock.now() - timedelta(days=365)
        monkeypatch.setattr(clock, "now", lambda: before)
        verdict = await verify(database, book.tenant_id, signer)
        assert (passes, verdict.entries, verdict.findings) == ([3, 0], 2, ())

    async def test_another_installations_head_is_found(self, book: Book, database) -> None:
        await book.add()
        verdict = await verify(database, book.tenant_id, HeadSigner(b"x" * 32))
        assert [one.kind for one in verdict.findings] == ["signature"]


class TestEntries:
    @pytest.mark.parametrize(
        "fields",
        [
            {"action": "Changed the key"},
            {"action": "created"},
            {"target": "Anna Muster"},
            {"target": ""},
            {"facts": {"who": "Anna Muster"}},
            {"facts": {"the name": 1}},
        ],
    )
    async def test_text_is_refused(self, book: Book, fields) -> None:
        with pytest.raises(ValueError, match="id"):
            check(book.entry(**fields))

    async def test_an_entry_without_a_tenant_is_not_a_tenants(self, book: Book, database) -> None:
        entry = book.entry(tenant_id=None, actor=SYSTEM)
        with pytest.raises(ValueError, match="operators"):
            async with tenant_tx(database, book.tenant_id) as connection:
                await record(connection, entry)

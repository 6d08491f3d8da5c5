"""Groups over SCIM: teams, and who is in them.

A learner is in one team at a time. Of several groups the one that was joined last counts; when that
one is left, the one before counts again. Memberships change from the tenant's day on, never before.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
from scim2_models import InvalidValueException, Meta, PatchOp, Reference, UniquenessException

from services.api.context import ProcessContext
from services.api.scim.asking import Query
from services.api.scim.documents import check_text
from services.api.scim.people import Caller, opened_store
from services.api.scim.resources import (
    MAX_MEMBERS,
    POLICY,
    Group,
    Member,
    User,
    group_location,
    user_location,
)
from services.api.scim.store import Store
from services.api.teams.repository import EXTERNAL_ID_CONSTRAINT, Team, TeamRepository
from shared.db.sql import Queries
from shared.errors import ConflictError, NotFoundError
from shared.ids import InvalidIdError, format_id, parse_id
from shared.trail.entries import Entry, record

_SQL = Queries("services.api.scim")

MAX_MOVES: Final = 2000
"""People who join and leave in one request."""

_TAKEN: Final = "Another group has this externalId"


class Groups:
    """Groups of a tenant as its provider sees them."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def list(self, caller: Caller, query: Query) -> tuple[int, list[Group]]:
        """Return how many match, and those of one page."""
        async with opened_store(self._context, caller) as store:
            known = await self._known(store, query)
            if known is None:
                return 0, []
            total = int(await store.connection.fetchval(_SQL["count_groups"], *known))
            rows = await store.connection.fetch(
                _SQL["list_groups"], *known, query.start - 1, query.count
            )
            return total, await _shown(store, rows, has_members=query.needs_members)

    async def get(self, caller: Caller, team_id: UUID, query: Query) -> Group:
        """Return a group, with its members where they are shown; raises `NotFoundError`."""
        async with opened_store(self._context, caller) as store:
            return await _get(store, team_id, has_members=query.needs_members)

    async def create(self, caller: Caller, wish: Group) -> Group:
        """Make a team with its members.

        Raises:
            UniquenessException: another group has the provider's own id.
            InvalidValueException: a text that cannot be stored, or a member that there is not.
        """
        _check(wish)
        team = Team(
            team_id=self._context.ids.new(),
            name=str(wish.display_name),
            external_id=wish.external_id,
            metadata={},
            created_at=caller.now,
        )
        async with opened_store(self._context, caller) as store:
            bounds = caller.principal.bounds(caller.now)
            try:
                await TeamRepository(store.connection, bounds, store.tenant).insert(team)
            except ConflictError:
                raise UniquenessException(detail=_TAKEN) from None
            moves = await _set_members(store, team.team_id, _members(wish))
            await _touch(store, caller, team.team_id)
            await _tell(store, caller, "group.created", team.team_id, moves)
            return await _get(store, team.team_id)

    async def replace(self, caller: Caller, team_id: UUID, wish: Group) -> Group:
        """Put other words and members in place; raises as `create` and `NotFoundError`."""
        return await self._change(caller, team_id, lambda _: wish)

    async def patch(self, caller: Caller, team_id: UUID, patch: PatchOp[Group]) -> Group:
        """Change parts of a group; raises as `replace`, and `SCIMException` for a wrong path."""

        def changed(before: Group) -> Group:
            patch.patch(before, scim_policy=POLICY)
            return before

        return await self._change(caller, team_id, changed)

    async def delete(self, caller: Caller, team_id: UUID) -> None:
        """Remove a group: its memberships end today; the team stays for past reports.

        Raises:
            NotFoundError: there is none.
        """
        async with opened_store(self._context, caller) as store:
            await store.connection.execute(_SQL["lock_group"], store.tenant_id, team_id)
            group = await _get(store, team_id, has_members=False)
            moves = await _set_members(store, team_id, [], most=None)
            await _write(store, team_id, str(group.display_name), None)
            await _touch(store, caller, team_id, is_gone=True)
            await _tell(store, caller, "group.removed", team_id, moves)

    async def _change(
        self, caller: Caller, team_id: UUID, change: Callable[[Group], Group]
    ) -> Group:
        async with opened_store(self._context, caller) as store:
            await store.connection.execute(_SQL["lock_group"], store.tenant_id, team_id)
            wish = change(await _get(store, team_id))
            _check(wish)
            await _write(store, team_id, str(wish.display_name), wish.external_id)
            moves = await _set_members(store, team_id, _members(wish))
            await _touch(store, caller, team_id)
            await _tell(store, caller, "group.changed", team_id, moves)
            return await _get(store, team_id)

    async def _known(
        self, store: Store, query: Query
    ) -> tuple[UUID, Sequence[UUID] | None, bytes | None] | None:
        """Return the bounds of a list; None: nothing can match."""
        wanted = query.wanted
        if wanted is None:
            return (store.tenant_id, None, None)
        if wanted.attribute == "id":
            return (store.tenant_id, [wanted.id_of("team")], None)
        if wanted.attribute == "externalId":
            return (store.tenant_id, None, store.tenant.lookup(wanted.value))
        if wanted.attribute != "displayName":
            return None
        name = wanted.value.casefold()
        rows = await store.connection.fetch(_SQL["group_names"], store.tenant_id)
        found = [row["team_id"] for row in rows if _name(store, row).casefold() == name]
        return (store.tenant_id, found, None)


class Moves(msgspec.Struct, frozen=True):
    """How many people a request moved."""

    joined: int
    left: int


async def _set_members(
    store: Store, team_id: UUID, wanted: Sequence[UUID], *, most: int | None = MAX_MOVES
) -> Moves:
    """Let these be the members; whose newest group is another one then changes teams today."""
    rows = await store.connection.fetch(_SQL["members_of"], store.tenant_id, [team_id])
    before = {row["user_id"] for row in rows}
    joining = [each for each in wanted if each not in before]
    leaving = before - set(wanted)
    if most is not None and len(joining) + len(leaving) > most:
        raise InvalidValueException(detail=f"At most {most} people may join or leave in a request")
    changed = [*joining, *leaving]
    if not changed:
        return Moves(0, 0)
    held = await store.lock_users(changed)
    if missing := set(joining) - {row["user_id"] for row in held}:
        raise _unknown(format_id("usr", next(iter(missing))))
    was = await store.newest_groups(changed)
    await store.connection.execute(_SQL["drop_members"], store.tenant_id, team_id, list(leaving))
    await store.connection.execute(_SQL["add_members"], store.tenant_id, team_id, joining)
    now = await store.newest_groups(changed)
    await store.place(
        {
            row["learner_id"]: now.get(row["user_id"])
            for row in held
            if row["learner_id"] is not None
            and row["active"]
            and was.get(row["user_id"]) != now.get(row["user_id"])
        }
    )
    return Moves(len(joining), len(leaving))


async def _write(store: Store, team_id: UUID, name: str, external_id: str | None) -> None:
    key, row = store.tenant, team_id.bytes
    try:
        await store.connection.execute(
            _SQL["update_group"],
            store.tenant_id,
            team_id,
            key.seal_text(name, "teams.name", row),
            None if external_id is None else key.seal_text(external_id, "teams.external_id", row),
            None if external_id is None else key.lookup(external_id),
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == EXTERNAL_ID_CONSTRAINT:
            raise UniquenessException(detail=_TAKEN) from None
        raise


async def _touch(store: Store, caller: Caller, team_id: UUID, *, is_gone: bool = False) -> None:
    await store.connection.execute(
        _SQL["touch_group"], store.tenant_id, team_id, is_gone, caller.now
    )


async def _tell(store: Store, caller: Caller, action: str, team_id: UUID, moves: Moves) -> None:
    entry = Entry(
        tenant_id=store.tenant_id,
        actor=caller.principal.actor,
        action=action,
        target=format_id("team", team_id),
        request_id=caller.request_id,
        at=caller.now,
        facts={"joined": moves.joined, "left": moves.left},
    )
    await record(store.connection, entry)


async def _get(store: Store, team_id: UUID, *, has_members: bool = True) -> Group:
    rows = await store.connection.fetch(_SQL["list_groups"], store.tenant_id, [team_id], None, 0, 1)
    if not rows:
        raise NotFoundError
    return (await _shown(store, rows, has_members=has_members))[0]


async def _shown(store: Store, rows: Sequence[asyncpg.Record], *, has_members: bool) -> list[Group]:
    members: dict[UUID, list[Member]] = {row["team_id"]: [] for row in rows}
    if has_members:
        found = await store.connection.fetch(_SQL["members_of"], store.tenant_id, list(members))
        for each in found:
            public = format_id("usr", each["user_id"])
            member = Member(value=public, ref=Reference[User](user_location(public)), type="User")
            members[each["team_id"]].append(member)
    return [_group(store, row, members[row["team_id"]]) for row in rows]


def _group(store: Store, row: asyncpg.Record, members: list[Member]) -> Group:
    team_id: UUID = row["team_id"]
    public, sealed = format_id("team", team_id), row["external_id"]
    return Group(
        id=public,
        external_id=None
        if sealed is None
        else store.tenant.open_text(sealed, "teams.external_id", team_id.bytes),
        meta=Meta(
            resource_type="Group",
            created=row["created_at"],
            last_modified=row["updated_at"],
            location=group_location(public),
        ),
        display_name=_name(store, row),
        members=members or None,
    )


def _name(store: Store, row: asyncpg.Record) -> str:
    team_id: UUID = row["team_id"]
    return store.tenant.open_text(row["name"], "teams.name", team_id.bytes)


def _check(wish: Group) -> None:
    check_text("displayName", wish.display_name or "")
    check_text("externalId", wish.external_id)
    if len(wish.members or ()) > MAX_MEMBERS:
        raise InvalidValueException(detail=f"members may have {MAX_MEMBERS} values")


def _members(wish: Group) -> list[UUID]:
    """Return who is to be in a group, each once, in the order of the request."""
    return list(dict.fromkeys(_user_ids(wish.members or ())))


def _user_ids(members: Iterable[Member]) -> Iterable[UUID]:
    for each in members:
        if each.type not in {None, "User"}:
            raise InvalidValueException(detail="Groups in groups are not supported")
        try:
            yield parse_id("usr", each.value or "")
        except InvalidIdError:
            raise _unknown(each.value or "") from None


def _unknown(value: str) -> InvalidValueException:
    return InvalidValueException(detail=f"There is no user {value[:40]!r} to be a member")

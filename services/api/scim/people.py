"""Users over SCIM: provisioned, changed, deactivated, removed."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import msgspec
from scim2_models import PatchOp, UniquenessException

from services.api.context import ProcessContext
from services.api.learners.repository import Learner
from services.api.principal import Principal
from services.api.scim.asking import Query
from services.api.scim.documents import (
    Stored,
    check_user,
    facts_of,
    profile_of,
    resource_of,
    shown_name,
)
from services.api.scim.resources import POLICY, User, group_location
from services.api.scim.store import Store
from services.api.users.records import User as StoredUser
from services.api.users.records import UserFacts, name_key
from services.api.users.service import check_role, tell
from shared.db.tx import tenant_tx
from shared.errors import ConflictError
from shared.ids import format_id


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, when, and under which request id."""

    principal: Principal
    now: datetime
    request_id: str


@asynccontextmanager
async def opened_store(context: ProcessContext, caller: Caller) -> AsyncIterator[Store]:
    """Open one transaction of the caller's tenant."""
    tenant_id = caller.principal.tenant_id
    async with tenant_tx(context.database, tenant_id) as connection:
        tenant = await context.keys.tenant(connection, tenant_id)
        yield Store(connection, tenant, caller.principal, caller.now)


class People:
    """Users of a tenant as its provider sees them."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def list(self, caller: Caller, query: Query) -> tuple[int, list[User]]:
        """Return how many match, and those of one page."""
        async with opened_store(self._context, caller) as store:
            total, found = await store.page(query)
            return total, await _shown(store, found)

    async def get(self, caller: Caller, user_id: UUID, _query: Query) -> User:
        """Return a user; raises `NotFoundError`."""
        async with opened_store(self._context, caller) as store:
            return (await _shown(store, [await store.get(user_id)]))[0]

    async def create(self, caller: Caller, wish: User) -> User:
        """Make a user, and without a role a learner, or find the learner of this name.

        Raises:
            UniquenessException: another user has the name or the provider's own id.
            InvalidValueException: a text that cannot be stored.
        """
        check_user(wish)
        user_id = self._context.ids.new()
        async with opened_store(self._context, caller) as store:
            facts = await self._with_learner(store, caller, user_id, wish, facts_of(wish, None))
            await _unique(store.users.insert(user_id, facts, caller.now))
            await store.put_profile(user_id, profile_of(wish))
            made = await store.get(user_id)
            await _tell(store, caller, "user.created", None, made.user)
            return (await _shown(store, [made]))[0]

    async def replace(self, caller: Caller, user_id: UUID, wish: User) -> User:
        """Put other words in place of a user's; raises as `create` and `delete`."""

        def whole(before: User) -> User:
            wish.replace(before)
            return wish

        return await self._change(caller, user_id, whole)

    async def patch(self, caller: Caller, user_id: UUID, patch: PatchOp[User]) -> User:
        """Change parts of a user; raises as `replace`, and `SCIMException` for a wrong path."""

        def changed(before: User) -> User:
            patch.patch(before, scim_policy=POLICY)
            return before

        return await self._change(caller, user_id, changed, removes=True)

    async def delete(self, caller: Caller, user_id: UUID) -> None:
        """Remove a user: nobody signs in, the membership ends today, the learner stays.

        Raises:
            NotFoundError: there is none.
            ScopeMissingError: a person asks who has less than the user.
            LastOwnerError: it is the last active owner.
        """
        async with opened_store(self._context, caller) as store:
            before = await store.users.hold(user_id)
            await _check_rights(store, caller.principal, before, None)
            await store.users.keep_an_owner(before, None)
            if before.learner_id is not None:
                await store.place({before.learner_id: None}, keeps_future=False)
            await store.users.delete(user_id)
            await _tell(store, caller, "user.deleted", before, None)

    async def _change(
        self,
        caller: Caller,
        user_id: UUID,
        change: Callable[[User], User],
        *,
        removes: bool = False,
    ) -> User:
        """Change a user; with `removes`, an `active` that is absent afterwards was taken away."""
        async with opened_store(self._context, caller) as store:
            held = await store.users.hold(user_id)
            before = await store.get(user_id)
            wish = change(resource_of(before, []))
            check_user(wish)
            facts = facts_of(wish, held)
            await _check_rights(store, caller.principal, held, facts)
            await store.users.keep_an_owner(held, facts)
            facts = await self._with_learner(store, caller, user_id, wish, facts)
            await _unique(store.users.update(user_id, facts, caller.now))
            profile = profile_of(wish)
            if removes and wish.active is None:
                profile = msgspec.structs.replace(profile, shows_active=False)
            await store.put_profile(user_id, profile)
            await _settle(store, user_id, held, facts)
            after = await store.get(user_id)
            await _tell(store, caller, "user.updated", held, after.user)
            return (await _shown(store, [after]))[0]

    async def _with_learner(
        self, store: Store, caller: Caller, user_id: UUID, wish: User, facts: UserFacts
    ) -> UserFacts:
        """Make sure that somebody without a role is a learner, and that the learner has the name.

        The external id of the learner is the user name of the first day; it stays when that
        changes, as everything does that was practiced.
        """
        learner_id, name = facts.learner_id, shown_name(wish)
        if learner_id is None and facts.role is None:
            new = Learner(
                learner_id=self._context.ids.new(),
                name=name,
                external_id=facts.user_name,
                memberships=(),
                metadata={},
                created_at=caller.now,
            )
            learner_id = await store.learner_for(
                user_id, facts.user_name, new, self._context.ids.new()
            )
        if learner_id is not None and name is not None:
            await store.name_learner(learner_id, name)
        return msgspec.structs.replace(facts, learner_id=learner_id)


async def _tell(
    store: Store, caller: Caller, action: str, before: StoredUser | None, after: StoredUser | None
) -> None:
    who = caller.principal
    await tell(store.connection, who, action, caller.request_id, caller.now, before, after)


async def _check_rights(
    store: Store, principal: Principal, before: StoredUser, after: UserFacts | None
) -> None:
    """Keep roles from changing hands: a provider gives none, and people have no more than theirs.

    The name of somebody who has never signed in decides who does so with their role.

    Raises:
        ScopeMissingError: a person touches somebody with more than they have, or somebody with
            a role and no sign-in yet gets another name from a key with less than the role.
    """
    renamed = after is not None and name_key(after.user_name) != name_key(before.user_name)
    if principal.role is not None or (renamed and not await store.has_signed_in(before.user_id)):
        check_role(principal, before.role)


async def _settle(store: Store, user_id: UUID, before: UserFacts, after: UserFacts) -> None:
    """End the membership of who was deactivated; let it begin again for who comes back."""
    if after.learner_id is None or before.active == after.active:
        return
    if not after.active:
        await store.place({after.learner_id: None}, keeps_future=False)
        return
    newest = (await store.newest_groups([user_id])).get(user_id)
    if newest is not None:
        await store.place({after.learner_id: newest})


async def _shown(store: Store, found: list[Stored]) -> list[User]:
    groups = await store.groups_of([each.user.user_id for each in found])
    shown = []
    for each in found:
        own = [
            (public, group_location(public), name)
            for public, name in (
                (format_id("team", team_id), name)
                for team_id, name in groups.get(each.user.user_id, [])
            )
        ]
        shown.append(resource_of(each, own))
    return shown


async def _unique(writing: object) -> None:
    try:
        await writing  # type: ignore[misc]  # a coroutine of the repository
    except ConflictError:
        raise UniquenessException(detail="Another user has this userName") from None

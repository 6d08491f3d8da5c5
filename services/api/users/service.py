"""Making, changing and removing users, so that nobody gives a right that they do not have."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.users.records import User, UserFacts, rights_digest
from services.api.users.repository import UserRepository
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.errors import FieldError, NotFoundError, ScopeMissingError
from shared.ids import format_id
from shared.roles import scopes_of
from shared.tokens import SCOPES as LEARNER_SCOPES
from shared.trail.entries import Entry, record


class UserService:
    """Users of a tenant."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def create(
        self, principal: Principal, claim: Claim | None, facts: UserFacts, request_id: str
    ) -> tuple[User, bool]:
        """Make a user; say as well whether this is a repeat.

        Raises:
            ScopeMissingError: the caller is bound, or the role has more than the caller.
            NotFoundError: a team or the learner does not exist; all are named.
            ConflictError: another user has this name.
        """
        _check_writer(principal)
        check_rights(principal, facts)
        context = self._context
        now, user_id = context.clock.now(), context.ids.new()
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            users = await self._repository(connection, principal)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, user_id, now)
            if earlier is not None:
                return await users.get(earlier.resource_id), True
            await _check_exist(users, facts)
            await users.insert(user_id, facts, now)
            made = await users.get(user_id)
            await tell(connection, principal, "user.created", request_id, now, None, made)
        return made, False

    async def get(self, principal: Principal, user_id: UUID) -> User:
        """Return a user; raises `NotFoundError`, or `ScopeMissingError` for bound callers."""
        check_people(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            return await (await self._repository(connection, principal)).get(user_id)

    async def list(
        self,
        principal: Principal,
        page: PageRequest,
        *,
        user_name: str | None,
        role: str | None,
        active: bool | None,
    ) -> list[User]:
        """Return one more user than the page holds, in order of creation."""
        check_people(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            users = await self._repository(connection, principal)
            return await users.list_page(page, user_name=user_name, role=role, active=active)

    async def change(
        self,
        principal: Principal,
        user_id: UUID,
        patch: Callable[[User], UserFacts],
        request_id: str,
    ) -> User:
        """Change a user.

        Raises:
            NotFoundError: no such user, team or learner.
            ScopeMissingError: the role before or after has more than the caller.
            LastOwnerError: the last active owner would go.
            ConflictError: another user has the name.
        """
        _check_writer(principal)
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            users = await self._repository(connection, principal)
            before = await users.hold(user_id)
            facts = patch(before)
            check_rights(principal, before)
            check_rights(principal, facts)
            await users.keep_an_owner(before, facts)
            await _check_exist(users, facts, before)
            await users.update(user_id, facts, now)
            after = await users.get(user_id)
            await tell(connection, principal, "user.updated", request_id, now, before, after)
        return after

    async def delete(self, principal: Principal, user_id: UUID, request_id: str) -> None:
        """Delete a user with the keys that are theirs.

        Raises:
            NotFoundError: no such user.
            ScopeMissingError: the role has more than the caller.
            LastOwnerError: it is the last active owner.
        """
        _check_writer(principal)
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            users = await self._repository(connection, principal)
            before = await users.hold(user_id)
            check_rights(principal, before)
            await users.keep_an_owner(before, None)
            await users.delete(user_id)
            await tell(connection, principal, "user.deleted", request_id, now, before, None)

    async def _repository(self, connection: Connection, principal: Principal) -> UserRepository:
        tenant = await self._context.keys.tenant(connection, principal.tenant_id)
        return UserRepository(connection, tenant)


def check_people(principal: Principal) -> None:
    """Refuse callers that see only some people: users are about everybody.

    Raises:
        ScopeMissingError: the caller is bound.
    """
    if principal.is_bound:
        raise ScopeMissingError("Who is bound to teams or to a learner manages no users")


def _check_writer(principal: Principal) -> None:
    """Check that a caller changes people: those who sign in do so with all that is live.

    Raises:
        ScopeMissingError: it is bound, or a test key.
    """
    check_people(principal)
    if principal.environment == "test":
        raise ScopeMissingError("A test key reads users, and does not change them")


def check_role(principal: Principal, role: str | None) -> None:
    """Check that a role has nothing that the caller has not; owners are made by owners.

    A key of a program counts by its scopes: one with all of them may make an owner.

    Raises:
        ScopeMissingError: it has.
    """
    lacks = [each for each in sorted(scopes_of(role)) if not principal.has(each)]
    if principal.is_sign_in:
        lacks = [each for each in lacks if each != "learner_tokens:write"]  # no person has it
    if lacks or (role == "owner" and principal.role not in {None, "owner"}):
        error = FieldError(pointer="/role", code="beyond-own", detail="This role has more than you")
        raise ScopeMissingError("The role has more than you", errors=(error,))


def check_rights(principal: Principal, facts: UserFacts) -> None:
    """Check that a user has nothing that the caller has not, as a learner neither.

    Raises:
        ScopeMissingError: they have.
    """
    check_role(principal, facts.role)
    is_learner = facts.role is None and facts.learner_id is not None
    if is_learner and not all(principal.has(each) for each in LEARNER_SCOPES):
        error = FieldError(
            pointer="/learner_id", code="beyond-own", detail="A learner has more than you"
        )
        raise ScopeMissingError("A learner has more than you", errors=(error,))


async def tell(
    connection: Connection,
    principal: Principal,
    action: str,
    request_id: str,
    now: datetime,
    before: User | None,
    after: User | None,
) -> None:
    """Write into the audit trail what happened to a user, in the transaction that does it."""
    user = after or before
    if user is None:
        raise AssertionError("something happened to somebody")
    entry = Entry(
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        action=action,
        target=format_id("usr", user.user_id),
        request_id=request_id,
        at=now,
        before=None if before is None else rights_digest(before),
        after=None if after is None else rights_digest(after),
        facts={"role": user.role or "none", "active": user.active},
    )
    await record(connection, entry)


async def _check_exist(users: UserRepository, facts: UserFacts, before: User | None = None) -> None:
    team_ids = facts.team_ids or ()
    if before is not None and facts.team_ids == before.team_ids:
        team_ids = ()
    known = await users.find_teams(team_ids) if team_ids else frozenset()
    missing = [f"/team_ids/{n}" for n, each in enumerate(team_ids) if each not in known]
    learner_id = facts.learner_id
    if learner_id is not None and not await users.has_learner(learner_id):
        missing.append("/learner_id")
    if missing:
        raise NotFoundError(
            errors=tuple(
                FieldError(pointer=pointer, code="not-found", detail="Nothing has this id")
                for pointer in missing
            )
        )

"""Making, narrowing, rolling and revoking keys [R-C4]."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from services.api.api_keys.bounds import OwnBounds, check_within
from services.api.api_keys.records import MAX_KEYS, ApiKey, NewKeyWish
from services.api.api_keys.repository import KeyRepository
from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.users.service import check_role
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.errors import ConflictError, FieldError, NotFoundError, ValidationFailedError
from shared.ids import format_id
from shared.keys import new_key, new_secret
from shared.trail.entries import Entry, record


class KeyService:
    """API keys of a tenant, for callers who hold one themselves or have signed in."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def create(
        self, principal: Principal, claim: Claim | None, wish: NewKeyWish, request_id: str
    ) -> tuple[ApiKey, str | None]:
        """Make a key; return it with its text, which a repeat does not show again.

        Raises:
            ScopeMissingError: it would have more than the caller, or be another person's.
            NotFoundError: a team, the learner or the user does not exist; all are named.
            ValidationFailedError: it would end before it began.
            ConflictError: there are too many.
        """
        context = self._context
        now = context.clock.now()
        _check_end(wish.expires_at, now)
        made = new_key(wish.environment, context.ids, context.random)
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            keys = await self._repository(connection, principal)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, made.key_id, now)
            if earlier is not None:
                return await keys.get(earlier.resource_id), None
            await _check_person(keys, principal, wish.user_id)
            check_within(principal, await _own(keys, principal), wish)
            await _check_exist(keys, wish)
            if await keys.count(now) >= MAX_KEYS:
                raise ConflictError(f"A tenant has {MAX_KEYS} keys at most that have not ended")
            await keys.insert(made, wish, now)
            stored = await keys.get(made.key_id)
            await _tell(connection, principal, "key.created", request_id, now, None, stored)
        return stored, made.text

    async def get(self, principal: Principal, key_id: UUID) -> ApiKey:
        """Return a key; raises `NotFoundError`."""
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            return await (await self._repository(connection, principal)).get(key_id)

    async def list(
        self, principal: Principal, page: PageRequest, *, user_id: UUID | None, is_good: bool
    ) -> list[ApiKey]:
        """Return one more key than the page holds, in order of creation."""
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            keys = await self._repository(connection, principal)
            return await keys.list_page(page, user_id=user_id, is_good=is_good, now=now)

    async def change(
        self,
        principal: Principal,
        key_id: UUID,
        patch: Callable[[ApiKey], ApiKey],
        request_id: str,
    ) -> ApiKey:
        """Change name, networks or end of a key.

        Raises:
            NotFoundError: none that the caller may see.
            ScopeMissingError: it has, or would have, more than the caller.
            ValidationFailedError: it would end later than it does.
            ConflictError: it has ended.
        """
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            keys = await self._repository(connection, principal)
            before = await self._held(keys, principal, key_id, now)
            wanted = patch(before)
            check_within(principal, await _own(keys, principal), wanted)
            if wanted.expires_at != before.expires_at:
                _check_end(wanted.expires_at, now, before.expires_at)
            if wanted == before:
                return before
            await keys.update(wanted, now)
            after = await keys.get(key_id)
            await _tell(connection, principal, "key.updated", request_id, now, before, after)
        return after

    async def roll(
        self,
        principal: Principal,
        claim: Claim | None,
        key_id: UUID,
        grace: timedelta,
        request_id: str,
    ) -> tuple[ApiKey, str | None]:
        """Make a new secret; the present one is good for a while yet, the one before it ends.

        A repeat does not show the text again.

        Raises:
            NotFoundError: none that the caller may see.
            ScopeMissingError: the key has more than the caller.
            ConflictError: it has ended.
        """
        context = self._context
        now = context.clock.now()
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            keys = await self._repository(connection, principal)
            before = await self._held(keys, principal, key_id, now, is_repeatable=claim is not None)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, key_id, now)
            if earlier is not None:
                return before, None
            _check_good(before, now)
            await _check_person(keys, principal, before.user_id)
            made = new_secret(before.environment, key_id, context.random)
            await keys.roll(made, now + grace, now)
            after = await keys.get(key_id)
            await _tell(connection, principal, "key.rolled", request_id, now, before, after)
        return after, made.text

    async def revoke(self, principal: Principal, key_id: UUID, request_id: str) -> ApiKey:
        """End a key at once, with all its secrets and tokens; a second call changes nothing.

        Who may manage keys may end any that they see: nothing is gained by it.

        Raises:
            NotFoundError: none that the caller may see.
        """
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            keys = await self._repository(connection, principal)
            before = await keys.hold(key_id)
            if before.revoked_at is not None:
                return before
            await keys.revoke(key_id, now)
            after = await keys.get(key_id)
            await _tell(connection, principal, "key.revoked", request_id, now, before, after)
        return after

    async def _repository(self, connection: Connection, principal: Principal) -> KeyRepository:
        tenant = await self._context.keys.tenant(connection, principal.tenant_id)
        return KeyRepository(connection, principal, tenant)

    async def _held(
        self,
        keys: KeyRepository,
        principal: Principal,
        key_id: UUID,
        now: datetime,
        *,
        is_repeatable: bool = False,
    ) -> ApiKey:
        key = await keys.hold(key_id)
        check_within(principal, await _own(keys, principal, key_id), key)
        if not is_repeatable:
            _check_good(key, now)
        return key


async def _check_person(keys: KeyRepository, principal: Principal, user_id: UUID | None) -> None:
    """What a person's key does is told as that person's doing: not everybody may hold its secret.

    Raises:
        ScopeMissingError: it is another person's, and the caller may not change that person.
    """
    if user_id is None or user_id == principal.user_id:
        return
    principal.require("users:write")
    user = await keys.find_user(user_id)
    check_role(principal, None if user is None else user["role"])


def _check_good(key: ApiKey, now: datetime) -> None:
    if key.status(now) != "active":
        raise ConflictError("The key has ended")


def _check_end(end: datetime | None, now: datetime, before: datetime | None = None) -> None:
    if end is None:
        return
    if end <= now:
        detail = "A key ends in the future; revoke it to end it now"
    elif before is not None and end > before:
        detail = "A key is never prolonged; make another one"
    else:
        return
    error = FieldError(pointer="/expires_at", code="out-of-range", detail=detail)
    raise ValidationFailedError(errors=(error,))


async def _own(keys: KeyRepository, principal: Principal, target: UUID | None = None) -> OwnBounds:
    """Return what bounds the caller's key; a key may do to itself what it likes to be bound by."""
    if principal.is_sign_in or principal.key_id == target:
        return OwnBounds()
    row = await keys.own_rights(principal.key_id)
    if row is None:
        return OwnBounds()
    networks = row["networks"]
    return OwnBounds(
        networks=None if networks is None else tuple(networks), expires_at=row["expires_at"]
    )


async def _check_exist(keys: KeyRepository, wish: NewKeyWish) -> None:
    team_ids = wish.team_ids or ()
    known = await keys.find_teams(team_ids) if team_ids else frozenset()
    missing = [f"/team_ids/{n}" for n, each in enumerate(team_ids) if each not in known]
    if wish.learner_id is not None and not await keys.has_learner(wish.learner_id):
        missing.append("/learner_id")
    if wish.user_id is not None and await keys.find_user(wish.user_id) is None:
        missing.append("/user_id")
    if missing:
        raise NotFoundError(
            errors=tuple(
                FieldError(pointer=pointer, code="not-found", detail="Nothing has this id")
                for pointer in missing
            )
        )


async def _tell(
    connection: Connection,
    principal: Principal,
    action: str,
    request_id: str,
    now: datetime,
    before: ApiKey | None,
    after: ApiKey,
) -> None:
    entry = Entry(
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        action=action,
        target=format_id("key", after.key_id),
        request_id=request_id,
        at=now,
        before=None if before is None else before.digest,
        after=after.digest,
        facts={"environment": after.environment, "scopes": len(after.scopes)},
    )
    await record(connection, entry)

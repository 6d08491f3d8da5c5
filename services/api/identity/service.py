"""Reading and replacing what a tenant has set about its identity provider."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.api.context import ProcessContext
from services.api.identity.fetching import policy_of, refusal
from services.api.identity.settings import (
    IdentitySettings,
    StoredIdentity,
    own_audience,
    pair_hash,
    seal,
    unseal,
)
from services.api.principal import Principal
from services.api.users.service import check_role
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.db.tx import tenant_tx
from shared.errors import ConflictError, FieldError, ScopeMissingError, ValidationFailedError
from shared.log import get_logger
from shared.trail.entries import Entry, digest, record

log = get_logger()

TARGET = "settings/identity"
"""What the audit trail calls it."""

_SQL = Queries("services.api.identity")

_OURS = "urn:rapport:"
"""How the audiences begin that we hand out."""


class IdentityService:
    """Settings of a tenant's identity provider."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._policy = policy_of(allow_private=context.settings.identity_allow_private)

    async def get(self, principal: Principal) -> StoredIdentity | None:
        """Return what is set.

        Raises:
            ScopeMissingError: the caller sees only some people.
        """
        _check_whole(principal)
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            return await find_settings(connection, tenant)

    async def put(
        self, principal: Principal, settings: IdentitySettings, request_id: str
    ) -> StoredIdentity:
        """Replace what is set; the same again changes nothing.

        Raises:
            ScopeMissingError: the caller may not decide who signs in.
            ValidationFailedError: the issuer may not be called, or the audience is another's.
            ConflictError: another tenant has this issuer with this audience.
        """
        _check_owner(principal)
        self._check(principal, settings)
        context, now = self._context, self._context.clock.now()
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            await connection.execute(_SQL["hold_settings"], str(principal.tenant_id))
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            before = await find_settings(connection, tenant)
            if before is not None and before.settings == settings:
                return before
            await _store(connection, tenant, settings, now)
            if before is not None and before.settings.issuer != settings.issuer:
                await connection.execute(_SQL["forget_subjects"], principal.tenant_id, now)
            entry = _entry(principal, "identity.changed", request_id, now)
            was = None if before is None else digest(before.settings)
            await record(
                connection, msgspec.structs.replace(entry, before=was, after=digest(settings))
            )
            after = await find_settings(connection, tenant)
        if after is None:
            raise AssertionError("just stored")
        log.info("identity.changed", revision=after.revision)
        return after

    async def delete(self, principal: Principal, request_id: str) -> None:
        """Forget the provider; a second time changes nothing.

        Raises:
            ScopeMissingError: the caller may not decide who signs in.
        """
        _check_owner(principal)
        context, now = self._context, self._context.clock.now()
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            await connection.execute(_SQL["hold_settings"], str(principal.tenant_id))
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            before = await find_settings(connection, tenant)
            if before is None:
                return
            await forget_settings(connection, principal.tenant_id, now)
            entry = _entry(principal, "identity.removed", request_id, now)
            await record(connection, msgspec.structs.replace(entry, before=digest(before.settings)))
        log.info("identity.removed")

    def _check(self, principal: Principal, settings: IdentitySettings) -> None:
        errors = []
        if (reason := refusal(self._policy, settings.issuer)) is not None:
            errors.append(_wrong("/issuer", f"Not allowed: {reason}"))
        is_own = settings.audience == own_audience(principal.tenant_id)
        if settings.audience.startswith(_OURS) and not is_own:
            errors.append(_wrong("/audience", "Not allowed: this one is handed out by us"))
        if errors:
            raise ValidationFailedError(errors=tuple(errors))


async def forget_settings(connection: Connection, tenant_id: UUID, now: datetime) -> None:
    """Let go of a tenant's provider: nobody signs in by it any more."""
    await connection.execute(_SQL["delete_settings"], tenant_id)
    await connection.execute(_SQL["forget_subjects"], tenant_id, now)


async def find_settings(connection: Connection, tenant: TenantKey) -> StoredIdentity | None:
    """Return what a tenant has set; None: nothing."""
    row = await connection.fetchrow(_SQL["get_settings"], tenant.tenant_id)
    if row is None:
        return None
    return StoredIdentity(
        tenant_id=tenant.tenant_id,
        revision=row["revision"],
        settings=unseal(tenant, row["settings"]),
        updated_at=row["updated_at"],
    )


async def _store(
    connection: Connection, tenant: TenantKey, settings: IdentitySettings, now: datetime
) -> None:
    pair = pair_hash(settings.issuer, settings.audience)
    try:
        await connection.execute(
            _SQL["put_settings"], tenant.tenant_id, pair, seal(tenant, settings), now
        )
    except asyncpg.UniqueViolationError:
        wrong = FieldError(
            pointer="/audience", code="conflict", detail="Taken: use the one that is yours alone"
        )
        raise ConflictError(
            "Another tenant has this issuer with this audience", errors=(wrong,)
        ) from None


def _entry(principal: Principal, action: str, request_id: str, now: datetime) -> Entry:
    return Entry(
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        action=action,
        target=TARGET,
        request_id=request_id,
        at=now,
    )


def _check_whole(principal: Principal) -> None:
    if principal.is_bound:
        raise ScopeMissingError("A key bound to teams or to a learner has no settings")


def _check_owner(principal: Principal) -> None:
    """Refuse who could make themselves an owner by it: whose provider it is decides who is who.

    An administrator makes keys of programs with all that an administrator has, so it takes a key
    with more than that.
    """
    _check_whole(principal)
    check_role(principal, "owner")
    if principal.environment == "test":
        raise ScopeMissingError("A test key reads these settings, and does not change them")


def _wrong(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code="not-allowed", detail=detail)

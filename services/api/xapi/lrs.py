"""The tenant's learning record store: set, looked at, taken away."""

from services.api.context import ProcessContext
from services.api.principal import Principal
from services.api.trail.recording import note
from shared.db.tx import tenant_tx
from shared.errors import FieldError, NotFoundError, ScopeMissingError, ValidationFailedError
from shared.webhooks.outbound import UrlRefusedError, check_url, policy_of
from shared.xapi.stores import Standing, Store, delete_store, find_store, put_store


class LrsService:
    """Sets and shows where statements go."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._policy = policy_of(context.settings)

    async def put(self, principal: Principal, store: Store) -> Standing:
        """Set the store.

        Raises:
            ScopeMissingError: the key is bound.
            ValidationFailedError: the URL may not be called.
        """
        _check_key(principal)
        try:
            check_url(self._policy, store.url)
        except UrlRefusedError as error:
            wrong = FieldError(pointer="/url", code="not-allowed", detail=str(error))
            raise ValidationFailedError(errors=(wrong,)) from None
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            await put_store(connection, tenant, store, context.clock.now())
            await note(connection, principal, context.clock.now(), "settings.changed", "lrs")
            standing = await find_store(connection, tenant)
        if standing is None:
            raise AssertionError("it was stored just now")
        return standing

    async def get(self, principal: Principal) -> Standing:
        """Return the store; raises `NotFoundError` where none is set."""
        _check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            standing = await find_store(connection, tenant)
        if standing is None:
            raise NotFoundError
        return standing

    async def delete(self, principal: Principal) -> None:
        """Send nothing any more; a second time changes nothing.

        Raises:
            ScopeMissingError: the key is bound.
        """
        _check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            await delete_store(connection, principal.tenant_id)
            now = self._context.clock.now()
            await note(connection, principal, now, "settings.deleted", "lrs")


def _check_key(principal: Principal) -> None:
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError("A key bound to teams or to a learner has no settings")

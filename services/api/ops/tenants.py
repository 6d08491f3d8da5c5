"""Tenants, as operators make and change them."""

from typing import Any, Final
from uuid import UUID

from nats.errors import Error as NatsError

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.ops.access import Operator
from services.api.ops.tenants_schemas import (
    CreatedTenant,
    LimitsBody,
    LimitsView,
    NewTenant,
    Sizes,
    TableSize,
    TenantRow,
    TenantStorage,
    TenantView,
)
from services.api.paging import PageRequest
from shared.db.keys import read_master
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_tx
from shared.errors import ConflictError, FieldError, NotFoundError, ValidationFailedError
from shared.ids import format_id
from shared.keys import SCOPES, new_key
from shared.log import get_logger
from shared.new_tenants import (
    Maker,
    NewTenantError,
    NoTimeZoneError,
    SlugTakenError,
    TenantGoneError,
)
from shared.tenancy.book import limits_of
from shared.tenancy.changes import (
    Change,
    NoTenantError,
    TenantChangeError,
    check_override,
    clear_override,
    overrides_with_reasons,
    set_override,
    set_plan,
    set_status,
)
from shared.tenancy.limits import Defaults, TenantStatus
from shared.tenancy.waking import wake
from shared.trail.entries import FLEET, Entry, record_fleet

log = get_logger()

SQL: Final = Queries("services.api.ops", "tenants.sql")


class OpsTenants:
    """Reads across tenants as the system role; makes and changes them with audit."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._defaults = Defaults.of(context.settings)
        self._maker = Maker(
            database=context.database,
            master=read_master(context.settings),
            clock=context.clock,
            ids=context.ids,
        )

    async def find(
        self, page: PageRequest, status: str | None, plan: str | None, slug: str | None
    ) -> list[Any]:
        """Return one more row than the page holds."""
        async with system_tx(self._context.database) as connection:
            return await connection.fetch(
                SQL["list_tenants"], page.after, status, plan, slug, page.limit + 1
            )

    async def get(self, tenant_id: UUID) -> TenantView:
        """Return a tenant with its limits and sizes; raises `NotFoundError`."""
        now = self._context.clock.now()
        async with system_tx(self._context.database) as connection:
            row = await connection.fetchrow(SQL["get_tenant"], tenant_id, now)
        if row is None:
            raise NotFoundError("No such tenant")
        async with tenant_tx(self._context.database, tenant_id) as connection:
            limits = await limits_of(connection, tenant_id, self._defaults)
            overrides = await overrides_with_reasons(connection, tenant_id)
            counted = await connection.fetchrow(SQL["sizes"], tenant_id)
        if limits is None or counted is None:
            raise NotFoundError("No such tenant")
        sizes = Sizes(**dict(counted))
        left = (row["waiting"], row["in_flight"], sizes.open_simulations, sizes.unfinished_scorings)
        return TenantView(
            **_basics(row),
            limits=LimitsView.of(limits, overrides),
            sizes=sizes,
            waiting=row["waiting"],
            in_flight=row["in_flight"],
            dead=row["dead"],
            is_drained=not any(left),
        )

    async def create(
        self, operator: Operator, wanted: NewTenant, claim: Claim | None, request_id: str
    ) -> tuple[CreatedTenant, bool]:
        """Create a tenant with its first key; say whether an earlier request had done so.

        Raises:
            ConflictError: the slug is taken, or what an earlier request made has left since.
            ValidationFailedError: there is no such time zone.
        """
        context = self._context
        now = context.clock.now()
        tenant_id = context.ids.new()
        async with tenant_tx(context.database, FLEET) as connection:
            claimed = await claim_or_find(connection, FLEET, claim, tenant_id, now)
        if claimed is not None:
            tenant_id = claimed.resource_id
        await self._make(wanted, tenant_id)
        change = Change(actor=operator.actor, at=now, request_id=request_id)
        text = await self._complete(tenant_id, wanted.plan, change)
        made = CreatedTenant(id=format_id("ten", tenant_id), slug=wanted.slug, api_key=text)
        return made, text is None

    async def _complete(self, tenant_id: UUID, plan: str, change: Change) -> str | None:
        """Write down that a tenant was made, give it its plan and its first key; return the key.

        The key comes last: whoever finds none goes on where an earlier request died. None: an
        earlier one did it all.
        """
        async with tenant_tx(self._context.database, tenant_id) as connection:
            await connection.execute(SQL["lock_first_key"], tenant_id)
            if await connection.fetchval(SQL["has_key"], tenant_id):
                return None
            if not await connection.fetchval(SQL["is_creation_told"], tenant_id):
                await self._tell(tenant_id, plan, change)
            return await self._first_key(connection, tenant_id)

    async def _tell(self, tenant_id: UUID, plan: str, change: Change) -> None:
        entry = Entry(
            tenant_id=tenant_id,
            actor=change.actor,
            action="tenant.created",
            target=format_id("ten", tenant_id),
            request_id=change.request_id,
            at=change.at,
        )
        async with system_tx(self._context.database) as connection:
            await record_fleet(connection, entry)
            await set_plan(connection, tenant_id, plan, change)

    async def _make(self, wanted: NewTenant, tenant_id: UUID) -> None:
        try:
            made_id = await self._maker.make(wanted.slug, wanted.time_zone, tenant_id=tenant_id)
        except (SlugTakenError, TenantGoneError) as error:
            raise ConflictError(str(error)) from None
        except NewTenantError as error:
            field = "time_zone" if isinstance(error, NoTimeZoneError) else "slug"
            raise _wrong(f"/{field}", str(error)) from None
        if made_id != tenant_id:  # half-made by somebody else, and completed just now
            raise ConflictError(f"a tenant {wanted.slug} exists already")

    async def _first_key(self, connection: Connection, tenant_id: UUID) -> str:
        context = self._context
        key = new_key("live", context.ids, context.random)
        await connection.execute(
            SQL["insert_first_key"],
            tenant_id,
            key.key_id,
            key.hash,
            list(SCOPES),
            context.clock.now(),
        )
        return key.text

    async def set_plan(
        self, operator: Operator, tenant_id: UUID, plan: str, request_id: str
    ) -> None:
        """Give a tenant a plan; raises `NotFoundError`."""
        change = self._change(operator, request_id)
        async with system_tx(self._context.database) as connection:
            try:
                await set_plan(connection, tenant_id, plan, change)
            except NoTenantError:
                raise NotFoundError("No such tenant") from None

    async def set_status(
        self, operator: Operator, tenant_id: UUID, status: TenantStatus, request_id: str
    ) -> None:
        """Put a tenant into a state; raises `NotFoundError`."""
        change = self._change(operator, request_id)
        async with system_tx(self._context.database) as connection:
            try:
                changed = await set_status(connection, tenant_id, status, change)
            except NoTenantError:
                raise NotFoundError("No such tenant") from None
        if changed and status != "paused":
            await self._wake(tenant_id)

    async def _wake(self, tenant_id: UUID) -> None:
        """Have the workers take up what waited; without NATS they see it within ten seconds."""
        try:
            await wake(self._context.nats, tenant_id)
        except (NatsError, OSError) as error:
            log.warning("ops.no_wake", error=type(error).__name__)

    async def change_limits(
        self, operator: Operator, tenant_id: UUID, body: LimitsBody, request_id: str
    ) -> None:
        """Change limits, all of them or none.

        Raises:
            NotFoundError: no such tenant.
            ValidationFailedError: a value is out of its range.
        """
        wrong = [
            error for name, value in body.set.items() if (error := _fault(name, value, body.reason))
        ]
        if wrong:
            raise ValidationFailedError(errors=tuple(wrong))
        change = self._change(operator, request_id)
        async with system_tx(self._context.database) as connection:
            try:
                for name, value in sorted(body.set.items()):
                    await set_override(connection, tenant_id, name, value, body.reason, change)
                for name in sorted(body.clear):
                    await clear_override(connection, tenant_id, name, change)
            except NoTenantError:
                raise NotFoundError("No such tenant") from None

    async def storage(self, tenant_id: UUID) -> TenantStorage:
        """Return about what a tenant takes on disk; raises `NotFoundError`."""
        await self.check(tenant_id)
        async with tenant_tx(self._context.database, tenant_id) as connection:
            rows = await connection.fetch(SQL["storage"], tenant_id)
        tables = [TableSize(**dict(row)) for row in rows]
        return TenantStorage(
            tenant_id=format_id("ten", tenant_id),
            bytes=sum(each.bytes for each in tables),
            tables=tables,
        )

    async def check(self, tenant_id: UUID) -> None:
        """Check that there is a tenant; raises `NotFoundError`."""
        async with system_tx(self._context.database) as connection:
            row = await connection.fetchrow(SQL["get_tenant"], tenant_id, self._context.clock.now())
        if row is None:
            raise NotFoundError("No such tenant")

    def _change(self, operator: Operator, request_id: str) -> Change:
        return Change(actor=operator.actor, at=self._context.clock.now(), request_id=request_id)


def row_of(row: Any) -> TenantRow:
    """Return the public form of a row."""
    return TenantRow(**_basics(row))


def _basics(row: Any) -> dict[str, Any]:
    return {
        "id": format_id("ten", row["tenant_id"]),
        "slug": row["slug"],
        "status": row["status"],
        "plan": row["plan"],
        "time_zone": row["time_zone"],
        "created_at": row["created_at"],
    }


def _fault(name: str, value: int | None, reason: str) -> FieldError | None:
    try:
        check_override(name, value, reason)
    except TenantChangeError as error:
        return FieldError(pointer=f"/set/{name}", code="out-of-range", detail=str(error))
    return None


def _wrong(pointer: str, detail: str) -> ValidationFailedError:
    return ValidationFailedError(
        errors=(FieldError(pointer=pointer, code="unknown-value", detail=detail),)
    )

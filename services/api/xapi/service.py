"""Statements made from the events on demand: nothing is stored but where their ids lead."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.xapi.cursor import Place
from services.api.xapi.people import Nobody, Voice, find_person
from services.api.xapi.schemas import StatementQuery
from shared.contracts.events import EventType
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.xapi.reading import SQL, STATED, StatedEvent, read_happenings, stated
from shared.xapi.statements import (
    Form,
    Happening,
    NoAttemptError,
    Statement,
    agent,
    attempt,
    statements_of,
    timestamp,
)
from shared.xapi.stores import find_store
from shared.xapi.vocabulary import Verb, Version

EVENTS_AT_ONCE: Final = 200
MAX_SCANNED: Final = 2000
"""Events that one request looks at; where few of them fit, the answer is short and goes on."""

_TYPES: Final[dict[Verb, tuple[EventType, ...]]] = {
    "attempted": (EventType.SIMULATION_STARTED,),
    "completed": (EventType.SIMULATION_ENDED,),
    "scored": (EventType.SCORING_COMPLETED, EventType.SCORING_REVISED),
    "passed": (EventType.SCORING_COMPLETED, EventType.SCORING_REVISED),
    "failed": (EventType.SCORING_COMPLETED, EventType.SCORING_REVISED),
}


Whose = tuple[UUID | None, UUID | None]
"""Only of this learner, only about this simulation or scoring; None: any."""


class Found(NamedTuple):
    """One answer's statements, and where the next begins."""

    statements: list[Statement]
    next: Place | None


class StatementService:
    """Finds statements."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def get(self, principal: Principal, statement_id: UUID, version: Version) -> Statement:
        """Return one statement.

        Raises:
            NotFoundError: none that was shown to this tenant before, or that this caller may see.
        """
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            row = await connection.fetchrow(SQL["shown_event"], principal.tenant_id, statement_id)
            if row is None:
                raise NotFoundError
            voice = await self._voice(connection, tenant, version)
            reader = _Reader(self._context, connection, principal, tenant, voice)
            for happening in await reader.happenings([stated(row)]):
                for statement in reader.statements(happening):
                    if statement["id"] == str(statement_id):
                        return statement
        raise NotFoundError

    async def list(
        self, principal: Principal, query: StatementQuery, page: PageRequest, version: Version
    ) -> Found:
        """Return the statements of one answer.

        Raises:
            ValidationFailedError: the agent cannot be read.
        """
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            voice = await self._voice(connection, tenant, version)
            try:
                person = await find_person(
                    connection, tenant, query.agent, voice, is_broad=query.related_agents
                )
                resource = None if query.registration is None else attempt(query.registration)
            except (Nobody, NoAttemptError):
                return Found([], None)
            if query.verb is not None and query.verb_name is None:
                return Found([], None)
            reader = _Reader(self._context, connection, principal, tenant, voice)
            found = await reader.scan(query, (person, resource), Place.of(page.after))
            await _note(connection, principal.tenant_id, found)
        statements = [statement for _, statement in found.statements]
        return Found(statements, found.next)

    async def _voice(self, connection: Connection, tenant: TenantKey, version: Version) -> Voice:
        standing = await find_store(connection, tenant)
        base_iri = self._context.settings.xapi_base_iri
        store = None if standing is None else standing.store
        form = Form(
            base_iri=base_iri,
            home_page=(store and store.home_page) or base_iri,
            version=version,
        )
        return Voice(form, "learner_id" if store is None else store.actor)


class _Scan(msgspec.Struct):
    statements: list[tuple[Happening, Statement]]
    next: Place | None = None


class _Reader:
    """Reads in one transaction."""

    def __init__(
        self,
        context: ProcessContext,
        connection: Connection,
        principal: Principal,
        tenant: TenantKey,
        voice: Voice,
    ) -> None:
        self._connection = connection
        self._bounds = principal.bounds(context.clock.now())
        self._tenant = tenant
        self._voice = voice

    async def happenings(self, events: Sequence[StatedEvent]) -> list[Happening]:
        """Return what the caller may know of some events."""
        return await read_happenings(
            self._connection, self._tenant, self._bounds, events, self._voice.actor
        )

    def statements(self, happening: Happening) -> list[Statement]:
        """Return the statements about an event as a store shows them."""
        form = self._voice.form
        stored = timestamp(happening.occurred_at)
        authority = agent(*self._voice.authority)
        return [
            {**each, "stored": stored, "authority": authority}
            for each in statements_of(happening, form)
        ]

    async def scan(self, query: StatementQuery, whose: Whose, after: Place | None) -> _Scan:
        """Walk over the events until the answer is full, or enough was looked at."""
        scan = _Scan([])
        scanned = 0
        while scanned < MAX_SCANNED:
            events = await self._events(query, whose, after)
            scanned += len(events)
            known = {each.position: each for each in await self.happenings(events)}
            for event in events:
                happening = known.get(event.position)
                told = [] if happening is None else self.statements(happening)
                if not query.ascending:
                    told.reverse()
                skip = after.shown if after and after.position == event.position else 0
                for number, statement in enumerate(told[skip:], start=skip):
                    if not _fits(statement, query):
                        continue
                    if len(scan.statements) == query.most:
                        scan.next = Place(event.occurred_at, event.position, number)
                        return scan
                    assert happening is not None  # noqa: S101  (it told something)
                    scan.statements.append((happening, statement))
                after = Place(event.occurred_at, event.position, len(told))
            if len(events) < EVENTS_AT_ONCE:
                return scan
        scan.next = after
        return scan

    async def _events(
        self, query: StatementQuery, whose: Whose, after: Place | None
    ) -> list[StatedEvent]:
        at: datetime | None = None
        position: int | None = None
        if after is not None:
            # The event itself again, in case not all of its statements were shown.
            at = after.occurred_at
            position = after.position + (-1 if query.ascending else 1)
        types = STATED if query.verb_name is None else _TYPES[query.verb_name]
        rows = await self._connection.fetch(
            SQL["stated_between" if query.ascending else "stated_before"],
            self._bounds[0],
            [each.value for each in types],
            query.since and _end_of_millisecond(query.since),
            query.until and _end_of_millisecond(query.until),
            at,
            position,
            *whose,
            EVENTS_AT_ONCE,
        )
        return [stated(row) for row in rows]


def _end_of_millisecond(moment: datetime) -> datetime:
    """Return the last moment that statements write like this one: `stored` has milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000 + 999)


def _fits(statement: Statement, query: StatementQuery) -> bool:
    if query.verb is not None and statement["verb"]["id"] != query.verb:
        return False
    if query.activity is None or statement["object"]["id"] == query.activity:
        return True
    return query.related_activities and query.activity in _related(statement)


def _related(statement: Statement) -> set[str]:
    """Return the activities of a statement's context."""
    kinds = statement["context"].get("contextActivities", {})
    return {each["id"] for found in kinds.values() for each in found}


async def _note(connection: Connection, tenant_id: UUID, scan: _Scan) -> None:
    if scan.statements:
        await connection.execute(
            SQL["note_shown"],
            tenant_id,
            [UUID(statement["id"]) for _, statement in scan.statements],
            [happening.resource_id for happening, _ in scan.statements],
            [happening.sequence for happening, _ in scan.statements],
        )


def more_of(query: StatementQuery) -> dict[str, Any]:
    """Return the parameters of a query as they came, without the cursor."""
    plain: dict[str, Any] = msgspec.to_builtins(query)
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in plain.items()
        if name in query.asked() - {"cursor"}
    }

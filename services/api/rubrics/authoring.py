"""Writing rubrics: drafts, their faults, versions that never change, and the archive."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.idempotency import Claim, Claimed, claim_or_find, find_claim
from services.api.principal import Principal
from services.api.rubrics.drafts import Draft, DraftRepository, Version
from services.api.rubrics.refusals import (
    RubricArchivedError,
    RubricFaultsError,
    RubricInUseError,
)
from services.api.trail.recording import note
from shared.contracts.rubric import RubricSpec
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.errors import ConflictError, FieldError, NotFoundError, ScopeMissingError
from shared.ids import format_id
from shared.library.rubric_lint import Finding, errors, lint

MAX_VERSION = 2**31 - 1
"""PostgreSQL's integer."""

Change = Callable[[DraftRepository], Awaitable[None]]


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """A draft with what the linter says about it."""

    draft: Draft
    findings: tuple[Finding, ...]


class Publication(NamedTuple):
    """What publishing came to."""

    version: Version
    is_new: bool
    """This request made the version."""
    is_repeat: bool
    """An earlier request with the same key did the work."""


class AuthoringService:
    """Makes, changes, publishes and archives rubrics.

    What decides over everybody's scores is not for a key that is bound to a learner or to teams.
    """

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def create(
        self,
        principal: Principal,
        claim: Claim | None,
        spec: RubricSpec,
        metadata: dict[str, str],
    ) -> tuple[Examined, bool]:
        """Make a rubric with a draft; say as well whether this is a repeat.

        Raises:
            ScopeMissingError: the key is bound.
            ConflictError: the slug is taken.
        """
        check_key(principal)
        now = self._context.clock.now()
        rubric_id = self._context.ids.new()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, rubric_id, now)
            if earlier is None:
                await repository.insert(rubric_id, spec, metadata, now)
            draft = await repository.get(earlier.resource_id if earlier else rubric_id)
            own = await repository.own_skills()
        return await _examined(draft, own), earlier is not None

    async def attach(
        self, principal: Principal, rubric_id: UUID, changes: Mapping[str, str | None]
    ) -> Examined:
        """Change the metadata of a rubric.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such rubric.
            ValidationFailedError: that would be too many keys.
        """
        check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            await repository.attach(rubric_id, changes)
            draft = await repository.get(rubric_id)
            own = await repository.own_skills()
        return await _examined(draft, own)

    async def _drafts(self, connection: Connection, principal: Principal) -> DraftRepository:
        tenant = await self._context.keys.tenant(connection, principal.tenant_id)
        return DraftRepository(connection, tenant)

    async def get_draft(self, principal: Principal, rubric_id: UUID) -> Examined:
        """Return the draft with its findings.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such rubric.
        """
        check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            draft = await repository.get(rubric_id)
            own = await repository.own_skills()
        return await _examined(draft, own)

    async def replace_draft(
        self,
        principal: Principal,
        claim: Claim | None,
        rubric_id: UUID,
        *,
        spec: RubricSpec,
        expected_revision: int,
    ) -> tuple[Examined, bool]:
        """Replace the draft; say as well whether this is a repeat.

        The same content again changes nothing, whatever revision is expected.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such rubric.
            ConflictError: the draft has moved on, or the slug differs.
        """

        async def replace(repository: DraftRepository) -> None:
            await self._replace(repository, rubric_id, spec, expected_revision)

        return await self._change(principal, claim, rubric_id, replace)

    async def _replace(
        self, repository: DraftRepository, rubric_id: UUID, spec: RubricSpec, expected: int
    ) -> None:
        draft = await repository.get(rubric_id)
        if spec.slug != draft.slug:
            detail = f"The slug of a rubric does not change: it is {draft.slug}"
            wrong = FieldError(pointer="/spec/slug", code="conflict", detail=detail)
            raise ConflictError(detail, errors=(wrong,))
        if draft.revision and draft.spec == spec:
            return
        now = self._context.clock.now()
        if expected == 0:
            done = await repository.insert_draft(rubric_id, spec, now)
        else:
            done = await repository.replace(rubric_id, expected, spec, now)
        if not done:
            detail = f"The draft is at revision {draft.revision}: read it and replace that"
            wrong = FieldError(pointer="/expected_revision", code="conflict", detail=detail)
            raise ConflictError(detail, errors=(wrong,))

    async def publish(
        self, principal: Principal, claim: Claim | None, rubric_id: UUID
    ) -> Publication:
        """Make the draft the next version.

        A draft that equals the newest version makes none.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such rubric.
            RubricArchivedError: it is archived.
            RubricFaultsError: the linter has found errors.
        """
        check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            if claim is not None:
                earlier = await find_claim(connection, principal.tenant_id, claim)
                if earlier is not None:
                    return await _repeated(repository, earlier)
            return await self._publish(connection, repository, principal, claim, rubric_id)

    async def _publish(
        self,
        connection: Connection,
        repository: DraftRepository,
        principal: Principal,
        claim: Claim | None,
        rubric_id: UUID,
    ) -> Publication:
        await repository.lock(rubric_id)
        draft = await repository.get(rubric_id)
        if draft.archived_at is not None:
            raise RubricArchivedError("The rubric is archived: restore it first")
        newest = draft.version and await repository.get_version(rubric_id, draft.version)
        is_new = not newest or newest.spec != draft.spec
        version = (draft.version or 0) + is_new
        now = self._context.clock.now()
        earlier = await claim_or_find(
            connection, principal.tenant_id, claim, rubric_id, now, sequence=version
        )
        if earlier is not None:  # a twin held the lock before us
            return await _repeated(repository, earlier)
        if is_new:
            own = await repository.own_skills(hold=True)
            findings = await asyncio.to_thread(lint, draft.spec, tenant_skills=own)
            if errors(findings):
                raise RubricFaultsError(findings)
            await repository.insert_version(rubric_id, version, draft.spec, now)
            await note(
                connection,
                principal,
                now,
                "rubric.published",
                format_id("rub", rubric_id),
                before=newest.spec if newest else None,
                after=draft.spec,
                facts={"version": version},
            )
        return Publication(await repository.get_version(rubric_id, version), is_new, False)

    async def archive(
        self, principal: Principal, claim: Claim | None, rubric_id: UUID
    ) -> tuple[Examined, bool]:
        """Take a rubric out of use for new scorings; say as well whether this is a repeat.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such rubric.
            RubricInUseError: a scenario, in its newest version, is scored by it.
        """

        async def archive(repository: DraftRepository) -> None:
            scenarios = await repository.scenarios_with(rubric_id)
            if scenarios:
                raise RubricInUseError(scenarios)
            await repository.archive(rubric_id, self._context.clock.now())

        return await self._change(principal, claim, rubric_id, archive)

    async def restore(
        self, principal: Principal, claim: Claim | None, rubric_id: UUID
    ) -> tuple[Examined, bool]:
        """Bring a rubric back into use; say as well whether this is a repeat.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such rubric.
        """

        async def restore(repository: DraftRepository) -> None:
            await repository.restore(rubric_id)

        return await self._change(principal, claim, rubric_id, restore)

    async def _change(
        self, principal: Principal, claim: Claim | None, rubric_id: UUID, change: Change
    ) -> tuple[Examined, bool]:
        """Change a rubric once per idempotency key, one writer after the other."""
        check_key(principal)
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, rubric_id, now)
            if earlier is None:
                await repository.lock(rubric_id)
                await change(repository)
            draft = await repository.get(rubric_id)
            own = await repository.own_skills()
        return await _examined(draft, own), earlier is not None

    async def get_version(self, principal: Principal, rubric_id: UUID, version: int) -> Version:
        """Return a version, whole; raises `NotFoundError`."""
        if not 1 <= version <= MAX_VERSION:
            raise NotFoundError
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            return await repository.get_version(rubric_id, version)

    async def list_versions(
        self, principal: Principal, rubric_id: UUID, *, after: int, limit: int
    ) -> list[Version]:
        """Return up to `limit` versions above `after`, oldest first; raises `NotFoundError`."""
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            rows = await repository.list_versions(rubric_id, after, limit)
            if not rows:
                await repository.get(rubric_id)
        return rows

    async def examine(self, principal: Principal, spec: RubricSpec) -> tuple[Finding, ...]:
        """Return the findings of a rubric that is stored nowhere.

        Raises:
            ScopeMissingError: the key is bound.
        """
        check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            own = await (await self._drafts(connection, principal)).own_skills()
        return await asyncio.to_thread(lint, spec, tenant_skills=own)


async def _repeated(repository: DraftRepository, earlier: Claimed) -> Publication:
    version = await repository.get_version(earlier.resource_id, earlier.sequence or 0)
    return Publication(version, False, True)


async def _examined(draft: Draft, own: frozenset[str]) -> Examined:
    # In a thread: a large rubric takes some milliseconds, in which turns want to be served.
    findings = await asyncio.to_thread(lint, draft.spec, tenant_skills=own)
    return Examined(draft=draft, findings=findings)


def check_key(principal: Principal) -> None:
    """Check that the key may write rubrics at all.

    Raises:
        ScopeMissingError: it is bound to teams or to a learner.
    """
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError(
            "A key bound to teams or to a learner may not write what others are scored by"
        )

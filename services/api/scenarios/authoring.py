"""Writing scenarios: drafts, their faults, and versions that never change."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.idempotency import Claim, Claimed, claim_or_find, find_claim
from services.api.principal import Principal
from services.api.scenarios.drafts import Draft, DraftRepository, Version
from services.api.scenarios.refusals import LanguageNotSupportedError, ScenarioFaultsError
from services.api.trail.recording import note
from shared.contracts.scenario import ScenarioSpec
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.drafting.trial import due
from shared.errors import ConflictError, FieldError, NotFoundError, ScopeMissingError
from shared.ids import format_id
from shared.library.lint import LANGUAGES, Finding, errors, lint

MAX_VERSION = 2**31 - 1
"""PostgreSQL's integer."""


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
    """Makes, changes and publishes scenarios.

    Everything here shows or decides what the customer hides, so a key that is bound to a learner or
    to teams may do none of it.
    """

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def create(
        self,
        principal: Principal,
        claim: Claim | None,
        spec: ScenarioSpec,
        metadata: dict[str, str],
    ) -> tuple[Examined, bool]:
        """Make a scenario with a draft; say as well whether this is a repeat.

        Raises:
            ScopeMissingError: the key is bound.
            LanguageNotSupportedError: nothing here speaks the language.
            ConflictError: the slug is taken.
        """
        _check(principal, spec)
        now = self._context.clock.now()
        scenario_id = self._context.ids.new()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, scenario_id, now)
            if earlier is None:
                await repository.insert(scenario_id, spec, metadata, now)
            draft = await repository.get(earlier.resource_id if earlier else scenario_id)
            rubrics = await repository.rubrics()
        return await _examined(draft, rubrics), earlier is not None

    async def attach(
        self, principal: Principal, scenario_id: UUID, changes: Mapping[str, str | None]
    ) -> Examined:
        """Change the metadata of a scenario.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such scenario.
            ValidationFailedError: that would be too many keys.
        """
        _check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            await repository.attach(scenario_id, changes)
            draft = await repository.get(scenario_id)
            rubrics = await repository.rubrics()
        return await _examined(draft, rubrics)

    async def _drafts(self, connection: Connection, principal: Principal) -> DraftRepository:
        tenant = await self._context.keys.tenant(connection, principal.tenant_id)
        return DraftRepository(connection, tenant)

    async def get_draft(self, principal: Principal, scenario_id: UUID) -> Examined:
        """Return the draft with its findings.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such scenario.
        """
        _check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            draft = await repository.get(scenario_id)
            rubrics = await repository.rubrics()
        return await _examined(draft, rubrics)

    async def replace_draft(
        self,
        principal: Principal,
        claim: Claim | None,
        scenario_id: UUID,
        *,
        spec: ScenarioSpec,
        expected_revision: int,
    ) -> tuple[Examined, bool]:
        """Replace the draft; say as well whether this is a repeat.

        The same content again changes nothing, whatever revision is expected.

        Raises:
            ScopeMissingError: the key is bound.
            LanguageNotSupportedError: nothing here speaks the language.
            NotFoundError: no such scenario.
            ConflictError: the draft has moved on, or the slug differs.
        """
        _check(principal, spec)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            now = self._context.clock.now()
            earlier = await claim_or_find(connection, principal.tenant_id, claim, scenario_id, now)
            if earlier is None:
                await self._replace(repository, scenario_id, spec, expected_revision)
            draft = await repository.get(scenario_id)
            rubrics = await repository.rubrics()
        return await _examined(draft, rubrics), earlier is not None

    async def _replace(
        self, repository: DraftRepository, scenario_id: UUID, spec: ScenarioSpec, expected: int
    ) -> None:
        await repository.lock(scenario_id)
        draft = await repository.get(scenario_id)
        if spec.slug != draft.slug:
            detail = f"The slug of a scenario does not change: it is {draft.slug}"
            wrong = FieldError(pointer="/spec/slug", code="conflict", detail=detail)
            raise ConflictError(detail, errors=(wrong,))
        if draft.revision and draft.spec == spec:
            return
        now = self._context.clock.now()
        if expected == 0:
            done = await repository.insert_draft(scenario_id, spec, now)
        else:
            done = await repository.replace(scenario_id, expected, spec, now)
        if not done:
            present = (await repository.get(scenario_id)).revision
            detail = f"The draft is at revision {present}: read it and replace that"
            wrong = FieldError(pointer="/expected_revision", code="conflict", detail=detail)
            raise ConflictError(detail, errors=(wrong,))

    async def publish(
        self, principal: Principal, claim: Claim | None, scenario_id: UUID
    ) -> Publication:
        """Make the draft the next version.

        A draft that equals the newest version makes none.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such scenario.
            ScenarioFaultsError: the linter has found errors, or a draft by a model has not passed
                the trial of its present revision.
        """
        _check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            if claim is not None:
                earlier = await find_claim(connection, principal.tenant_id, claim)
                if earlier is not None:
                    return await _repeated(repository, earlier)
            return await self._publish(connection, repository, principal, claim, scenario_id)

    async def _publish(
        self,
        connection: Connection,
        repository: DraftRepository,
        principal: Principal,
        claim: Claim | None,
        scenario_id: UUID,
    ) -> Publication:
        await repository.lock(scenario_id)
        draft = await repository.get(scenario_id)
        newest = draft.version and await repository.get_version(scenario_id, draft.version)
        is_new = not newest or newest.spec != draft.spec
        version = (draft.version or 0) + is_new
        now = self._context.clock.now()
        earlier = await claim_or_find(
            connection, principal.tenant_id, claim, scenario_id, now, sequence=version
        )
        if earlier is not None:  # a twin held the lock before us
            return await _repeated(repository, earlier)
        if is_new:
            findings = await asyncio.to_thread(lint, draft.spec, rubrics=await repository.rubrics())
            if draft.author == "model" and draft.revision:
                findings += due(draft.revision, draft.trial_revision, draft.trial)
            if errors(findings):
                raise ScenarioFaultsError(findings)
            await repository.insert_version(scenario_id, version, draft.spec, now)
            await note(
                connection,
                principal,
                now,
                "scenario.published",
                format_id("scn", scenario_id),
                before=newest.spec if newest else None,
                after=draft.spec,
                facts={"version": version},
            )
        return Publication(await repository.get_version(scenario_id, version), is_new, False)

    async def get_version(self, principal: Principal, scenario_id: UUID, version: int) -> Version:
        """Return a version, whole.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such version.
        """
        _check_key(principal)
        if not 1 <= version <= MAX_VERSION:
            raise NotFoundError
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            return await repository.get_version(scenario_id, version)

    async def list_versions(
        self, principal: Principal, scenario_id: UUID, *, after: int, limit: int
    ) -> list[Version]:
        """Return up to `limit` versions above `after`, oldest first.

        Raises:
            NotFoundError: no such scenario.
        """
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._drafts(connection, principal)
            rows = await repository.list_versions(scenario_id, after, limit)
            if not rows:
                await repository.get(scenario_id)
        return rows

    async def examine(self, principal: Principal, spec: ScenarioSpec) -> tuple[Finding, ...]:
        """Return the findings of a scenario that is stored nowhere.

        Raises:
            ScopeMissingError: the key is bound.
        """
        _check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            rubrics = await (await self._drafts(connection, principal)).rubrics()
        return await asyncio.to_thread(lint, spec, rubrics=rubrics)


async def _repeated(repository: DraftRepository, earlier: Claimed) -> Publication:
    version = await repository.get_version(earlier.resource_id, earlier.sequence or 0)
    return Publication(version, False, True)


async def _examined(draft: Draft, rubrics: frozenset[str]) -> Examined:
    # In a thread: a large scenario takes some milliseconds, in which turns want to be served.
    findings = await asyncio.to_thread(lint, draft.spec, rubrics=rubrics)
    return Examined(draft=draft, findings=findings)


def _check(principal: Principal, spec: ScenarioSpec) -> None:
    _check_key(principal)
    if spec.language not in LANGUAGES:
        raise LanguageNotSupportedError(spec.language)


def _check_key(principal: Principal) -> None:
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError(
            "A key bound to teams or to a learner may not see or change what customers hide"
        )

"""Making and reading learners."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.learners.repository import Learner, LearnerRepository, Membership
from services.api.metadata import merged
from services.api.paging import PageRequest
from services.api.principal import Principal
from shared.db.tx import tenant_reads, tenant_tx
from shared.errors import FieldError, NotFoundError, ScopeMissingError, ValidationFailedError


class LearnerService:
    """Makes and reads learners."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def create(
        self,
        principal: Principal,
        claim: Claim | None,
        *,
        external_id: str,
        name: str | None,
        memberships: Sequence[Membership],
        metadata: dict[str, str],
    ) -> tuple[Learner, bool]:
        """Make a learner; say as well whether this is a repeat. Memberships come in request order.

        Raises:
            ScopeMissingError: a key bound to a learner cannot make others.
            ValidationFailedError: periods overlap, or a bound key names none of its teams.
            NotFoundError: a team does not exist for this caller; all are named.
            ConflictError: another learner has this external id.
        """
        if principal.learner_id is not None:
            raise ScopeMissingError("A key bound to a learner cannot make learners")
        _check_periods(memberships)
        if principal.team_ids is not None and not memberships:
            raise ValidationFailedError(
                errors=(_wrong("/memberships", "missing", "This key is bound to teams: name one"),)
            )
        context = self._context
        now = context.clock.now()
        learner = Learner(
            learner_id=context.ids.new(),
            name=name,
            external_id=external_id,
            memberships=tuple(sorted(memberships, key=lambda each: each.start)),
            metadata=metadata,
            created_at=now,
        )
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = LearnerRepository(connection, principal.bounds(now), tenant)
            earlier = await claim_or_find(
                connection, principal.tenant_id, claim, learner.learner_id, now
            )
            if earlier is not None:
                return await repository.get(earlier.resource_id), True
            await _check_teams(repository, memberships)
            await repository.insert(learner, context.ids.new())
        return learner, False

    async def attach(
        self, principal: Principal, learner_id: UUID, changes: Mapping[str, str | None]
    ) -> Learner:
        """Change the metadata of a learner.

        Raises:
            NotFoundError: none that the caller may see.
            ValidationFailedError: that would be too many keys.
        """
        context = self._context
        bounds = principal.bounds(context.clock.now())
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = LearnerRepository(connection, bounds, tenant)
            await repository.lock(learner_id)
            learner = await repository.get(learner_id)
            await repository.set_metadata(learner_id, merged(learner.metadata, changes))
            return await repository.get(learner_id)

    async def move(
        self, principal: Principal, learner_id: UUID, memberships: Sequence[Membership]
    ) -> Learner:
        """Replace the memberships of a learner, past ones too; they come in request order.

        Raises:
            ScopeMissingError: the key is bound to a learner, or to teams and the change touches
                others.
            NotFoundError: no such learner or team for this caller.
            ValidationFailedError: periods overlap.
        """
        if principal.learner_id is not None:
            raise ScopeMissingError("A key bound to a learner cannot change memberships")
        _check_periods(memberships)
        context = self._context
        bounds = principal.bounds(context.clock.now())
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = LearnerRepository(connection, bounds, tenant)
            await repository.lock(learner_id)
            learner = await repository.get(learner_id)
            await _check_teams(repository, memberships, known=learner.memberships)
            _check_reach(principal, learner.memberships, memberships)
            await repository.replace_memberships(learner_id, learner.memberships, memberships)
        # Not read again: a key bound to teams may no longer see who left them.
        after = tuple(sorted(memberships, key=lambda each: each.start))
        return msgspec.structs.replace(learner, memberships=after)

    async def get(self, principal: Principal, learner_id: UUID) -> Learner:
        """Return a learner; raises `NotFoundError`."""
        context = self._context
        bounds = principal.bounds(context.clock.now())
        reads = tenant_reads(context.database)
        tenant = await context.keys.tenant(reads, principal.tenant_id)
        return await LearnerRepository(reads, bounds, tenant).get(learner_id)

    async def list(
        self, principal: Principal, page: PageRequest, *, external_id: str | None
    ) -> list[Learner]:
        """Return one more learner than the page holds, in order of creation."""
        context = self._context
        bounds = principal.bounds(context.clock.now())
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            return await LearnerRepository(connection, bounds, tenant).list_page(page, external_id)


def _check_periods(memberships: Sequence[Membership]) -> None:
    """Check that a person is in one team at a time; the later of two that overlap is named."""
    errors = []
    order = sorted(range(len(memberships)), key=lambda index: memberships[index].start)
    latest = None
    for index in order:
        start, end = memberships[index].start, memberships[index].end
        if latest is not None and (latest.end is None or start < latest.end):
            errors.append(
                _wrong(f"/memberships/{index}", "overlap", "A person is in one team at a time")
            )
        if latest is None or (latest.end is not None and (end is None or end > latest.end)):
            latest = memberships[index]
    if errors:
        raise ValidationFailedError(errors=tuple(errors))


async def _check_teams(
    repository: LearnerRepository,
    memberships: Sequence[Membership],
    known: Sequence[Membership] = (),
) -> None:
    """Check that the teams exist for the caller; memberships that stood before may be of others."""
    teams = await repository.find_teams([each.team_id for each in memberships])
    errors = tuple(
        _wrong(f"/memberships/{index}/team_id", "not-found", "No such team")
        for index, each in enumerate(memberships)
        if each.team_id not in teams and each not in known
    )
    if errors:
        raise NotFoundError(errors=errors)


def _check_reach(
    principal: Principal, before: Sequence[Membership], after: Sequence[Membership]
) -> None:
    """Check that a key bound to teams leaves memberships in other teams as they are."""
    if principal.team_ids is None:
        return
    changed = {each.team_id for each in set(before) ^ set(after)}
    if changed - set(principal.team_ids):
        raise ScopeMissingError("This key is bound to teams: memberships in others must stay")


def _wrong(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)

"""Making, changing and reading programs."""

from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.programs.records import (
    Course,
    People,
    Program,
    Worth,
    wrong_course,
    wrong_metrics,
)
from services.api.programs.repository import MIN_PEOPLE, ProgramRepository
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.errors import (
    ConflictError,
    FieldError,
    NotFoundError,
    ScopeMissingError,
    ValidationFailedError,
)

MAX_PROGRAMS: Final = 500


class ProgramService:
    """Programs of a tenant."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def create(
        self,
        principal: Principal,
        claim: Claim | None,
        *,
        treated: People,
        comparison: People | None,
        course: Course,
        worth: Worth,
    ) -> tuple[Program, bool]:
        """Make a program; say as well whether this is a repeat.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: teams, learners or surveys do not exist; all are named.
            ValidationFailedError: its people are almost those of another program.
            ConflictError: there are `MAX_PROGRAMS`.
        """
        check_whole(principal)
        context = self._context
        now = context.clock.now()
        program = Program(
            program_id=context.ids.new(),
            treated=treated,
            comparison=comparison,
            course=course,
            worth=worth,
            created_at=now,
            updated_at=now,
        )
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            repository = await self._repository(connection, principal.tenant_id)
            earlier = await claim_or_find(
                connection, principal.tenant_id, claim, program.program_id, now
            )
            if earlier is not None:
                return await repository.get(earlier.resource_id), True
            await repository.lock()
            if await repository.count() >= MAX_PROGRAMS:
                raise ConflictError(f"A tenant has {MAX_PROGRAMS} programs at most")
            await _check_people(repository, program)
            await _check_forms(repository, course, worth)
            await _check_distance(repository, program)
            await repository.insert(program)
        return program, False

    async def get(self, principal: Principal, program_id: UUID) -> Program:
        """Return a program.

        Raises:
            NotFoundError: there is none.
            ScopeMissingError: the key is bound.
        """
        check_whole(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._repository(connection, principal.tenant_id)
            return await repository.get(program_id)

    async def list(self, principal: Principal, page: PageRequest) -> list[Program]:
        """Return one more program than the page holds, in order of creation."""
        check_whole(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._repository(connection, principal.tenant_id)
            return await repository.list_page(page)

    async def change(
        self,
        principal: Principal,
        program_id: UUID,
        patch: Callable[[Program], tuple[Course, Worth]],
    ) -> Program:
        """Change a program; the same change again changes nothing but the time of the change.

        Raises:
            NotFoundError: no such program or survey.
            ValidationFailedError: days and method would not fit together.
        """
        check_whole(principal)
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            repository = await self._repository(connection, principal.tenant_id)
            await repository.hold(program_id)
            before = await repository.get(program_id)
            course, worth = patch(before)
            errors = (
                *wrong_course(course, has_comparison=before.comparison is not None),
                *wrong_metrics(worth.metrics),
            )
            if errors:
                raise ValidationFailedError(errors=errors)
            await _check_forms(repository, course, worth)
            if (course, worth) != (before.course, before.worth):
                await repository.update(program_id, course, worth, context.clock.now())
            return await repository.get(program_id)

    async def _repository(self, connection: Connection, tenant_id: UUID) -> ProgramRepository:
        tenant = await self._context.keys.tenant(connection, tenant_id)
        return ProgramRepository(connection, tenant)


def check_whole(principal: Principal) -> None:
    """Refuse keys that see only some people: a program tells about all of its own.

    Raises:
        ScopeMissingError: the key is bound.
    """
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError("A key bound to teams or to a learner has no programs")


def _cohorts(program: Program) -> Iterator[tuple[str, People]]:
    yield "treated", program.treated
    if program.comparison is not None:
        yield "comparison", program.comparison


async def _check_people(repository: ProgramRepository, program: Program) -> None:
    errors = []
    for cohort, people in _cohorts(program):
        for kind, name, ids in (
            ("teams", "team_ids", people.team_ids),
            ("learners", "learner_ids", people.learner_ids),
        ):
            known = await repository.known(kind, ids)
            errors += [
                FieldError(
                    pointer=f"/{cohort}/{name}/{index}",
                    code="not-found",
                    detail=f"No such {kind.removesuffix('s')}",
                )
                for index, each in enumerate(ids)
                if each not in known
            ]
    if errors:
        raise NotFoundError(errors=tuple(errors))


async def _check_forms(repository: ProgramRepository, course: Course, worth: Worth) -> None:
    """Check that each survey exists, and asks those whom the program takes it to ask."""
    wanted = [
        (f"/metrics/{index}/form", each.form, (each.measure, "customer"))
        for index, each in enumerate(worth.metrics)
        if each.form is not None
    ]
    known = await repository.forms(
        [form for _, form, _ in wanted] + ([course.reaction_form] if course.reaction_form else [])
    )
    missing = [pointer for pointer, form, what in wanted if known.get(form) != what]
    if course.reaction_form is not None:
        kind, asked = known.get(course.reaction_form, ("", ""))
        if asked != "learner" or kind != "csat":
            missing.append("/reaction_form")
    if missing:
        detail = "No survey of this name, kind and of those asked"
        raise NotFoundError(
            errors=tuple(
                FieldError(pointer=each, code="not-found", detail=detail) for each in missing
            )
        )


async def _check_distance(repository: ProgramRepository, program: Program) -> None:
    errors = [
        FieldError(
            pointer=f"/{cohort}/learner_ids",
            code="too-near",
            detail=f"Another program has almost the same people: share nobody, all of them, or at"
            f" least {MIN_PEOPLE}, and leave each at least {MIN_PEOPLE} of its own",
        )
        for cohort, people in _cohorts(program)
        if await repository.is_too_near(people.learner_ids)
    ]
    if errors:
        raise ValidationFailedError(errors=tuple(errors))

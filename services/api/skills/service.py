"""The taxonomy as one tenant has it: the standard one, changed by what the tenant says."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.api.context import ProcessContext
from services.api.principal import Principal
from shared.contracts.base import Record
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.db.tx import tenant_tx
from shared.errors import (
    ConflictError,
    FieldError,
    NotFoundError,
    ScopeMissingError,
    ValidationFailedError,
)
from shared.library.skills import Seen, load_skill_roots, load_skills

_SQL = Queries("services.api.skills")

MAX_OWN = 200
"""Keys that a tenant may add."""


class Word(Record, frozen=True, kw_only=True):
    """What a tenant says about a skill; None and empty leave the standard's words."""

    name: str | None = None
    code: str | None = None
    definition: str | None = None
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    hidden: bool = False


class TenantSkill(Record, frozen=True, kw_only=True):
    """A skill as the tenant sees it."""

    key: str
    is_own: bool
    name: str
    code: str | None
    definition: str
    seen: tuple[Seen, ...]
    good: tuple[str, ...]
    bad: tuple[str, ...]
    hidden: bool


class Taxonomy(Record, frozen=True, kw_only=True):
    """All skills of a tenant, by root in the standard's order; own keys come last in their root."""

    revision: int
    """How often the tenant has changed it; 0: never."""
    skills: tuple[TenantSkill, ...]


class SkillService:
    """Reads and changes a tenant's taxonomy."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def taxonomy(self, principal: Principal) -> Taxonomy:
        """Return the taxonomy of the caller's tenant."""
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            return await _read(connection, principal.tenant_id)

    async def hidden(self, principal: Principal) -> frozenset[str]:
        """Return the keys that the caller's tenant does not show."""
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            rows = await connection.fetch(_SQL["hidden"], principal.tenant_id)
        return frozenset(row["key"] for row in rows)

    async def put(self, principal: Principal, key: str, word: Word) -> TenantSkill:
        """Add a key, or change what is shown of a standard one.

        Raises:
            ScopeMissingError: a key bound to teams or to a learner cannot change it.
            NotFoundError: the key is under none of the nine roots.
            ValidationFailedError: an own key needs a name and a definition.
            ConflictError: another skill has this code, or there are too many own keys.
        """
        _check_key(principal)
        root, _, rest = key.partition(".")
        if root not in load_skill_roots() or not rest or "." in rest or "-" in key:
            roots = ", ".join(load_skill_roots())
            raise NotFoundError(f"A skill key is `root.name` under one of the nine roots: {roots}")
        is_own = key not in load_skills()
        if is_own:
            _check_own(word)
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            await connection.fetchval(_SQL["lock_taxonomy"], principal.tenant_id, now)
            before = await _read(connection, principal.tenant_id)
            own = {each.key for each in before.skills if each.is_own}
            if is_own and key not in own and len(own) >= MAX_OWN:
                raise ConflictError(f"A tenant adds at most {MAX_OWN} keys")
            await _put(connection, principal.tenant_id, key, word, now, is_own=is_own)
            after = await _read(connection, principal.tenant_id)
        return next(each for each in after.skills if each.key == key)

    async def drop(self, principal: Principal, key: str) -> None:
        """Take back what the tenant says about a key; an own key is gone then.

        Raises:
            ScopeMissingError: a key bound to teams or to a learner cannot change it.
            NotFoundError: the tenant says nothing about this key.
            ConflictError: a rubric names the own key.
        """
        _check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            await connection.fetchval(
                _SQL["lock_taxonomy"], principal.tenant_id, self._context.clock.now()
            )
            if key not in load_skills():
                rows = await connection.fetch(_SQL["rubrics_with"], principal.tenant_id, key)
                if rows:
                    slugs = ", ".join(row["slug"] for row in rows)
                    raise ConflictError(f"These rubrics name it: {slugs}")
            done = await connection.execute(_SQL["drop_skill"], principal.tenant_id, key)
            if done == "DELETE 0":
                raise NotFoundError


def _check_key(principal: Principal) -> None:
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError("A key bound to teams or to a learner cannot change the taxonomy")


def _check_own(word: Word) -> None:
    wrong = tuple(
        FieldError(pointer=f"/{name}", code="required", detail="A key of your own needs it")
        for name in ("name", "definition")
        if getattr(word, name) is None
    )
    if wrong:
        raise ValidationFailedError(errors=wrong)


async def _put(
    connection: Connection, tenant_id: UUID, key: str, word: Word, now: datetime, *, is_own: bool
) -> None:
    try:
        await connection.execute(
            _SQL["put_skill"],
            tenant_id,
            key,
            is_own,
            word.name,
            word.code,
            word.definition,
            list(word.good),
            list(word.bad),
            word.hidden,
            now,
        )
    except asyncpg.UniqueViolationError:
        wrong = FieldError(pointer="/code", code="conflict", detail="Another skill has this code")
        raise ConflictError(wrong.detail, errors=(wrong,)) from None


async def _read(connection: Connection, tenant_id: UUID) -> Taxonomy:
    revision = await connection.fetchval(_SQL["version"], tenant_id)
    rows = await connection.fetch(_SQL["list_skills"], tenant_id)
    said = {row["key"]: msgspec.convert(dict(row), Word) for row in rows}
    own = {row["key"] for row in rows if row["is_own"]}
    return Taxonomy(revision=revision or 0, skills=_merged(said, own))


def _merged(said: Mapping[str, Word], own: set[str]) -> tuple[TenantSkill, ...]:
    found: list[TenantSkill] = []
    standard = load_skills()
    for root in load_skill_roots():
        under = [key for key in standard if key.startswith(f"{root}.")]
        for key in (*under, *sorted(key for key in own if key.startswith(f"{root}."))):
            word, skill = said.get(key, Word()), standard.get(key)
            found.append(
                TenantSkill(
                    key=key,
                    is_own=skill is None,
                    name=word.name or (skill.name if skill else key),
                    code=word.code,
                    definition=word.definition or (skill.definition if skill else key),
                    seen=skill.seen if skill else (Seen.TRANSCRIPT,),
                    good=word.good or (skill.good if skill else ()),
                    bad=word.bad or (skill.bad if skill else ()),
                    hidden=word.hidden,
                )
            )
    return tuple(found)

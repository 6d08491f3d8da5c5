"""Answers of `/v1/rubrics`."""

from datetime import datetime

import msgspec

from services.api.fields import Slug, utc
from services.api.paging import PageQuery
from services.api.rubrics.repository import Rubric
from shared.contracts.rubric import Section
from shared.ids import format_id


class RubricQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    slug: Slug | None = None


class RubricView(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric in its newest version, in full: nothing about a score is secret."""

    id: str
    slug: str
    version: int
    title: str
    target: int
    """The overall score a team aims for, 0..100."""
    sections: tuple[Section, ...]
    created_at: datetime

    @classmethod
    def of(cls, rubric: Rubric) -> "RubricView":
        """Return the public form."""
        spec = rubric.spec
        return cls(
            id=format_id("rub", rubric.rubric_id),
            slug=spec.slug,
            version=rubric.version,
            title=spec.title,
            target=spec.target,
            sections=spec.sections,
            created_at=utc(rubric.created_at),
        )

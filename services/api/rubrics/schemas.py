"""Answers of `/v1/rubrics` for everybody who reads scores."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from services.api.fields import Slug, utc
from services.api.paging import PageQuery
from services.api.rubrics.repository import Origin, Rubric
from shared.contracts.rubric import Band, Section
from shared.ids import format_id

InUse = Literal["published", "archived"]


class RubricQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    slug: Slug | None = None
    status: Annotated[
        InUse | None, msgspec.Meta(description="Both when absent; drafts are in no list.")
    ] = None

    @property
    def archived(self) -> bool | None:
        """Whether archived ones are asked for; None means both."""
        return None if self.status is None else self.status == "archived"


class RubricView(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric in its newest version, in full: nothing about a score is secret."""

    id: str
    slug: str
    status: InUse
    """`archived`: nothing new is scored by it; what was scored by it keeps it."""
    version: int
    origin: Origin
    """`library`: built in; `tenant`: your own."""
    title: str
    description: str
    language: str
    kind: Literal["percent", "points"]
    target: int
    """The overall score a team aims for, 0..100."""
    bands: tuple[Band, ...]
    sections: tuple[Section, ...]
    metadata: dict[str, str]
    """Your own keys and values."""
    created_at: datetime
    archived_at: datetime | None

    @classmethod
    def of(cls, rubric: Rubric) -> "RubricView":
        """Return the public form."""
        spec = rubric.spec
        return cls(
            id=format_id("rub", rubric.rubric_id),
            slug=spec.slug,
            status="published" if rubric.archived_at is None else "archived",
            version=rubric.version,
            origin=rubric.origin,
            title=spec.title,
            description=spec.description,
            language=spec.language,
            kind=spec.kind,
            target=spec.target,
            bands=spec.bands,
            sections=spec.sections,
            metadata=rubric.metadata,
            created_at=utc(rubric.created_at),
            archived_at=None if rubric.archived_at is None else utc(rubric.archived_at),
        )

"""Requests and answers of authors of rubrics."""

from datetime import datetime
from typing import Annotated

import msgspec

from services.api.fields import utc
from services.api.metadata import Metadata
from services.api.rubrics.authoring import MAX_VERSION, Examined
from services.api.rubrics.drafts import Status, Version
from services.api.rubrics.repository import Origin
from shared.contracts.rubric import RubricSpec
from shared.ids import format_id
from shared.library.findings import Finding


class RubricWrite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rubric as its author writes it."""

    spec: RubricSpec
    metadata: Metadata = msgspec.field(default_factory=dict)


class RubricDraftReplace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Replace a draft."""

    spec: RubricSpec
    expected_revision: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            le=MAX_VERSION,
            description="The revision that you have read; 0 where none was stored yet.",
        ),
    ]


class RubricDraftView(msgspec.Struct, frozen=True, kw_only=True):
    """A draft, and what the linter says about it."""

    id: str
    slug: str
    status: Status
    """`draft`: no version yet; `published`; `archived`: nothing new is scored by it."""
    revision: int
    """0: no draft is stored; `spec` is the newest version."""
    version: int | None
    """The newest published version; null: none, so nothing can be scored by it."""
    spec: RubricSpec
    findings: tuple[Finding, ...]
    """Errors first; they keep the draft from being published."""
    metadata: dict[str, str]
    """Your own keys and values."""
    updated_at: datetime
    archived_at: datetime | None

    @classmethod
    def of(cls, examined: Examined) -> "RubricDraftView":
        """Return the public form."""
        draft = examined.draft
        return cls(
            id=format_id("rub", draft.rubric_id),
            slug=draft.slug,
            status=draft.status,
            revision=draft.revision,
            version=draft.version,
            spec=draft.spec,
            findings=examined.findings,
            metadata=draft.metadata,
            updated_at=utc(draft.updated_at),
            archived_at=None if draft.archived_at is None else utc(draft.archived_at),
        )


class RubricLintView(msgspec.Struct, frozen=True, kw_only=True):
    """What the linter says about a rubric."""

    publishable: bool
    """No finding is an error."""
    findings: tuple[Finding, ...]
    """Errors first; paths are JSON Pointers into the rubric."""


class RubricVersionItem(msgspec.Struct, frozen=True, kw_only=True):
    """A published version in a list."""

    id: str
    """Of the rubric."""
    version: int
    title: str
    target: int
    """The overall score a team aims for, 0..100."""
    origin: Origin
    """`library`: built in; `tenant`: your own."""
    created_at: datetime

    @classmethod
    def of(cls, version: Version) -> "RubricVersionItem":
        """Return the public form."""
        return cls(
            id=format_id("rub", version.rubric_id),
            version=version.version,
            title=version.spec.title,
            target=version.spec.target,
            origin=version.origin,
            created_at=utc(version.created_at),
        )


class RubricVersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A published version, whole; it never changes."""

    id: str
    """Of the rubric."""
    slug: str
    version: int
    origin: Origin
    """`library`: built in; `tenant`: your own."""
    spec: RubricSpec
    created_at: datetime

    @classmethod
    def of(cls, version: Version) -> "RubricVersionView":
        """Return the public form."""
        return cls(
            id=format_id("rub", version.rubric_id),
            slug=version.spec.slug,
            version=version.version,
            origin=version.origin,
            spec=version.spec,
            created_at=utc(version.created_at),
        )

"""Requests and answers of authors: whole scenarios, with what the customer hides."""

import base64
import binascii
from datetime import datetime
from typing import Annotated

import msgspec

from services.api.fields import utc
from services.api.paging import DEFAULT_LIMIT, MAX_LIMIT
from services.api.scenarios.authoring import MAX_VERSION, Examined
from services.api.scenarios.drafts import Origin, Version
from shared.contracts.scenario import ScenarioSpec
from shared.errors import CursorInvalidError
from shared.ids import format_id
from shared.library.lint import Finding

CURSOR_BYTES = 4


class ScenarioWrite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario as its author writes it."""

    spec: ScenarioSpec


class DraftReplace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Replace a draft."""

    spec: ScenarioSpec
    expected_revision: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            le=MAX_VERSION,
            description="The revision that you have read; 0 where none was stored yet.",
        ),
    ]


class DraftView(msgspec.Struct, frozen=True, kw_only=True):
    """A draft, and what the linter says about it."""

    id: str
    slug: str
    revision: int
    """0: no draft is stored; `spec` is the newest version."""
    version: int | None
    """The newest published version; null: none, so the scenario cannot be started."""
    spec: ScenarioSpec
    findings: tuple[Finding, ...]
    """Errors first; they keep the draft from being published."""
    updated_at: datetime

    @classmethod
    def of(cls, examined: Examined) -> "DraftView":
        """Return the public form."""
        draft = examined.draft
        return cls(
            id=format_id("scn", draft.scenario_id),
            slug=draft.slug,
            revision=draft.revision,
            version=draft.version,
            spec=draft.spec,
            findings=examined.findings,
            updated_at=utc(draft.updated_at),
        )


class LintView(msgspec.Struct, frozen=True, kw_only=True):
    """What the linter says about a scenario."""

    publishable: bool
    """No finding is an error."""
    findings: tuple[Finding, ...]
    """Errors first; paths are JSON Pointers into the scenario."""


class VersionItem(msgspec.Struct, frozen=True, kw_only=True):
    """A published version in a list, without what the customer hides."""

    id: str
    """Of the scenario."""
    version: int
    title: str
    difficulty: int
    language: str
    origin: Origin
    """`library`: built in; `tenant`: your own."""
    created_at: datetime

    @classmethod
    def of(cls, version: Version) -> "VersionItem":
        """Return the public form."""
        return cls(
            id=format_id("scn", version.scenario_id),
            version=version.version,
            title=version.spec.title,
            difficulty=version.spec.difficulty,
            language=version.spec.language,
            origin=version.origin,
            created_at=utc(version.created_at),
        )


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A published version, whole; it never changes."""

    id: str
    """Of the scenario."""
    slug: str
    version: int
    origin: Origin
    """`library`: built in; `tenant`: your own."""
    spec: ScenarioSpec
    created_at: datetime

    @classmethod
    def of(cls, version: Version) -> "VersionView":
        """Return the public form."""
        return cls(
            id=format_id("scn", version.scenario_id),
            slug=version.spec.slug,
            version=version.version,
            origin=version.origin,
            spec=version.spec,
            created_at=utc(version.created_at),
        )


class VersionQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Page of the list of versions."""

    limit: Annotated[
        int, msgspec.Meta(ge=1, description="How many to return; more than 100 means 100.")
    ] = DEFAULT_LIMIT
    cursor: Annotated[
        str | None, msgspec.Meta(description="The `next_cursor` of the page before.")
    ] = None

    @property
    def most(self) -> int:
        """How many to return, 1..100."""
        return min(self.limit, MAX_LIMIT)

    def after(self) -> int:
        """Return the version after which the page begins.

        Raises:
            CursorInvalidError: the cursor is not one of ours.
        """
        return 0 if self.cursor is None else _read_cursor(self.cursor)


def write_cursor(version: int) -> str:
    """Return the cursor that continues after this version."""
    return base64.urlsafe_b64encode(version.to_bytes(CURSOR_BYTES, "big")).decode().rstrip("=")


def _read_cursor(text: str) -> int:
    try:
        raw = base64.b64decode(text + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise CursorInvalidError from None
    version = int.from_bytes(raw, "big")
    if len(raw) != CURSOR_BYTES or version > MAX_VERSION or write_cursor(version) != text:
        raise CursorInvalidError
    return version

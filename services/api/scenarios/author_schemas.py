"""Requests and answers of authors: whole scenarios, with what the customer hides."""

from datetime import datetime
from typing import Annotated

import msgspec

from services.api.fields import utc
from services.api.metadata import Metadata
from services.api.scenarios.authoring import MAX_VERSION, Examined
from services.api.scenarios.drafts import Author, Origin, Version
from shared.contracts.scenario import ScenarioSpec
from shared.drafting.trial import TrialReport
from shared.ids import format_id
from shared.library.lint import Finding


class ScenarioWrite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario as its author writes it."""

    spec: ScenarioSpec
    metadata: Metadata = msgspec.field(default_factory=dict)


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
    metadata: dict[str, str]
    """Your own keys and values."""
    updated_at: datetime
    author: Author
    """`model`: a language model wrote the first revision, so the draft can be published only when
    its trial, of the present revision, was passed."""
    trial_revision: int | None
    """The revision that scripted learners played; null: none."""
    trial: TrialReport | None

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
            metadata=draft.metadata,
            updated_at=utc(draft.updated_at),
            author=draft.author,
            trial_revision=draft.trial_revision,
            trial=draft.trial,
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

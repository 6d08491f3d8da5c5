"""Requests and answers of `/v1/rubric_drafts`."""

from typing import Annotated

import msgspec

from services.api.fields import Slug, public
from services.api.operations.repository import Operation
from services.api.operations.schemas import OperationView
from services.api.scenario_drafts.schemas import ModelCallView
from shared.drafting.rubric_expanding import Gap
from shared.drafting.stored import Kept, Report
from shared.drafting.wanted import MAX_SOURCE_CHARS, RubricWanted
from shared.ids import format_id
from shared.library.findings import Finding, errors
from shared.library.rubric_trial import Trial


class RubricDraftCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have a rubric drafted by the tenant's language model."""

    text: Annotated[
        str,
        msgspec.Meta(
            pattern=r"\S",
            max_length=MAX_SOURCE_CHARS,
            description="A scorecard in plain text: its lines, with points or weights where it has"
            " them. Kept sealed until the draft is made, then deleted.",
        ),
    ]
    title: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)] | None = None
    slug: (
        Annotated[
            Slug, msgspec.Meta(description="Where it is taken, the draft gets it with a number.")
        ]
        | None
    ) = None

    def wanted(self) -> RubricWanted:
        """Return what is kept until the draft is made."""
        return RubricWanted(text=self.text, title=self.title, slug=self.slug)


class RubricDraftingView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of drafting a rubric."""

    id: str
    operation: OperationView
    rubric_id: str | None
    """Its draft is at `/v1/rubrics/{rubric_id}/draft`; null: there is none, or not yet."""
    revision: int | None
    """Of the draft that was made."""
    publishable: bool
    """There is a draft, and no finding is an error."""
    failure_code: str | None
    """Why there is no draft: why the model brought nothing, `failed_checks` when no line could be
    mapped, `asked_too_often`."""
    findings: tuple[Finding, ...]
    """What the linter says about the draft; errors first."""
    unmapped: tuple[Gap, ...]
    """Lines of the scorecard that are not in the rubric, because the judge knows no behavior for
    them."""
    dry_run: Trial | None
    """What the rubric does with twelve recorded conversations, from good to poor; null: it cannot
    be tried out as it is."""
    calls: tuple[ModelCallView, ...]

    @classmethod
    def of(cls, operation: Operation, kept: Kept) -> "RubricDraftingView":
        """Return the public form."""
        report = kept.report or Report()
        return cls(
            id=format_id("op", operation.operation_id),
            operation=OperationView.of(operation),
            rubric_id=public("rub", kept.rubric_id),
            revision=kept.revision,
            publishable=kept.rubric_id is not None and not errors(report.findings),
            failure_code=kept.failure_code,
            findings=report.findings,
            unmapped=report.unmapped,
            dry_run=report.dry_run,
            calls=tuple(map(ModelCallView.of, report.calls)),
        )

"""Requests and answers of `/v1/scenario_drafts`."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from services.api.fields import Slug, public
from services.api.operations.repository import Operation
from services.api.operations.schemas import OperationView
from services.api.validation import RuleError, broken
from shared.contracts.llm import CallNote, WhyEmbedded
from shared.contracts.scenario import Role, Temper
from shared.drafting.stored import Kept, Report
from shared.drafting.trial import TrialReport
from shared.drafting.wanted import MAX_SOURCE_CHARS, SaidLine, ScenarioWanted, SourceKind
from shared.errors import FieldError
from shared.ids import format_id
from shared.library.findings import Finding, errors

MAX_TURNS = 500


class DraftTurn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn of a real conversation."""

    role: Literal["agent", "customer"]
    text: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=10_000)]


class ScenarioDraftCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have a scenario drafted by the tenant's language model."""

    kind: Annotated[
        SourceKind,
        msgspec.Meta(
            description="`prompt`: some sentences about the case; `policy`: a document whose rules"
            " and numbers it is to hold; `transcript`: a real conversation, from which personal"
            " data is removed before the model reads it."
        ),
    ]
    text: Annotated[
        str,
        msgspec.Meta(
            max_length=MAX_SOURCE_CHARS,
            description="The source. Kept sealed until the draft is made, then deleted.",
        ),
    ] = ""
    turns: Annotated[
        tuple[DraftTurn, ...],
        msgspec.Meta(max_length=MAX_TURNS, description="A transcript in turns, instead of `text`."),
    ] = ()
    title: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)] | None = None
    role: Role | None = None
    temper: Temper | None = None
    difficulty: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None
    slug: (
        Annotated[
            Slug, msgspec.Meta(description="Where it is taken, the draft gets it with a number.")
        ]
        | None
    ) = None

    def __post_init__(self) -> None:
        wrong = tuple(self._wrong())
        if wrong:
            raise RuleError(*wrong)

    def _wrong(self) -> Iterator[FieldError]:
        if self.turns and self.kind != "transcript":
            yield broken("/turns", "not-allowed", "Only a transcript comes in turns")
        elif self.turns and self.text.strip():
            yield broken("/text", "not-allowed", "Give the transcript once: as text or in turns")
        elif not self.turns and not self.text.strip():
            yield broken("/text", "missing", "There is nothing to make a scenario of")
        total = sum(len(turn.text) for turn in self.turns)
        if total > MAX_SOURCE_CHARS:
            detail = f"{total} characters in all; {MAX_SOURCE_CHARS} are allowed"
            yield broken("/turns", "too-long", detail)

    def wanted(self) -> ScenarioWanted:
        """Return what is kept until the draft is made."""
        return ScenarioWanted(
            kind=self.kind,
            text=self.text,
            turns=tuple(SaidLine(role=turn.role, text=turn.text) for turn in self.turns),
            title=self.title,
            role=self.role,
            temper=self.temper,
            difficulty=self.difficulty,
            slug=self.slug,
        )


class ModelCallView(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the model, and what it cost."""

    model: str
    host: str
    """Of the endpoint."""
    prompt_version: str
    input_tokens: int
    output_tokens: int
    cost_microusd: int
    """Millionths of a US dollar."""
    latency_ms: int
    failure: WhyEmbedded | None

    @classmethod
    def of(cls, note: CallNote) -> "ModelCallView":
        """Return the public form."""
        return cls(**{name: getattr(note, name) for name in cls.__struct_fields__})


class ScenarioDraftingView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of drafting a scenario, or of a trial."""

    id: str
    operation: OperationView
    scenario_id: str | None
    """Its draft is at `/v1/scenarios/{scenario_id}/draft`; null: there is none, or not yet."""
    revision: int | None
    """Of the draft that was made or tried."""
    publishable: bool
    """That revision has no error, and its trial was passed."""
    failure_code: str | None
    """Why there is no draft: why the model brought nothing, `failed_checks` when everything that it
    brought held personal data or could not be read, `asked_too_often`, `draft_gone`."""
    findings: tuple[Finding, ...]
    """What the linter says about the draft; errors first."""
    trial: TrialReport | None
    """What scripted learners made of it; null: it has errors, so nobody played it."""
    calls: tuple[ModelCallView, ...]

    @classmethod
    def of(cls, operation: Operation, kept: Kept) -> "ScenarioDraftingView":
        """Return the public form."""
        report = kept.report or Report()
        return cls(
            id=format_id("op", operation.operation_id),
            operation=OperationView.of(operation),
            scenario_id=public("scn", kept.scenario_id),
            revision=kept.revision,
            publishable=bool(report.trial and report.trial.passed and not errors(report.findings)),
            failure_code=kept.failure_code,
            findings=report.findings,
            trial=report.trial,
            calls=tuple(map(ModelCallView.of, report.calls)),
        )

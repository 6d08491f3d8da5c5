"""Requests and answers of dry runs."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from services.api.rubrics.trials import Tried
from services.api.scorings.schemas import ConversationCreate
from services.api.validation import RuleError, broken
from shared.contracts.scoring import Transcript
from shared.errors import FieldError
from shared.ids import format_id
from shared.intake.taking import take_in
from shared.library.findings import Finding, errors
from shared.library.rubric_dry_run import MAX_SAMPLES, Sample, SampleOutcome
from shared.library.rubric_trial import Trial

MAX_CHARACTERS = 100_000
"""Characters of all conversations together: some seconds of judging on a busy machine."""


class DryRunCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Try a rubric out."""

    conversations: Annotated[
        tuple[ConversationCreate, ...],
        msgspec.Meta(
            min_length=1,
            max_length=MAX_SAMPLES,
            description="As they are handed in for scoring, but stored nowhere; at most "
            f"{MAX_CHARACTERS} characters of text in all.",
        ),
    ]
    version: (
        Annotated[
            int, msgspec.Meta(ge=1, description="A published version; the draft when absent.")
        ]
        | None
    ) = None

    def __post_init__(self) -> None:
        wrong = tuple(self._too_long())
        if wrong:
            raise RuleError(*wrong)

    def _too_long(self) -> Iterator[FieldError]:
        total = sum(len(turn.text) for each in self.conversations for turn in each.turns)
        if total > MAX_CHARACTERS:
            detail = f"{total} characters in all; {MAX_CHARACTERS} are allowed"
            yield broken("/conversations", "too-long", detail)

    def samples(self) -> list[Sample]:
        """Return what the judges read, in order."""
        return [_sample(each) for each in self.conversations]


class DryRunView(msgspec.Struct, frozen=True, kw_only=True):
    """What a rubric does with sample conversations; none of it counts for anybody."""

    id: str
    """Of the rubric."""
    slug: str
    version: int | None
    """The published version that was tried out; null: the draft."""
    revision: int | None
    """Of the draft that was tried out."""
    publishable: bool
    """No finding is an error."""
    findings: tuple[Finding, ...]
    """What the linter says about the rubric."""
    summary: Trial
    """All conversations together, criterion by criterion."""
    conversations: tuple[SampleOutcome, ...]
    """What each of them got, in the order of the request."""

    @classmethod
    def of(cls, tried: Tried) -> "DryRunView":
        """Return the public form."""
        return cls(
            id=format_id("rub", tried.rubric_id),
            slug=tried.slug,
            version=tried.version,
            revision=tried.revision,
            publishable=not errors(tried.findings),
            findings=tried.findings,
            summary=tried.reply.trial,
            conversations=tried.reply.samples,
        )


def _sample(conversation: ConversationCreate) -> Sample:
    taken = take_in(conversation.transcript(), conversation.language)
    return Sample(
        transcript=Transcript(
            turns=taken.turns, source=conversation.source, language=taken.language
        ),
        flags=taken.codes,
    )

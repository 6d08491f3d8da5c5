"""Requests and answers of `/v1/settings/retention`."""

from datetime import datetime
from typing import Annotated

import msgspec

from services.api.fields import utc
from shared.retention import Audit, Payloads, Retention, Usage, Words

_DEFAULT = Retention()


class RetentionPut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long what is kept, in days. What is left out is the default again."""

    expected_revision: Annotated[
        int,
        msgspec.Meta(
            ge=0, le=2**31 - 1, description="The revision that you have read; 0 where none is set."
        ),
    ]
    simulation_transcripts: Annotated[
        Words | None,
        msgspec.Meta(description="What was said in practice; null: as long as the learner."),
    ] = _DEFAULT.simulation_transcripts
    conversation_transcripts: Annotated[
        Words | None,
        msgspec.Meta(description="Conversations handed in; null: as long as the learner."),
    ] = _DEFAULT.conversation_transcripts
    score_details: Annotated[
        Words | None,
        msgspec.Meta(
            description="Quotes, advice and comments of scores; null: as long as the learner. "
            "Numbers always stay."
        ),
    ] = _DEFAULT.score_details
    webhook_payloads: Annotated[
        Payloads, msgspec.Meta(description="What was delivered, and the answers to it.")
    ] = _DEFAULT.webhook_payloads
    usage_details: Annotated[
        Usage, msgspec.Meta(description="Single calls of the language model; sums always stay.")
    ] = _DEFAULT.usage_details
    audit_log: Annotated[Audit, msgspec.Meta(description="Entries of the audit log.")] = (
        _DEFAULT.audit_log
    )

    def wish(self) -> Retention:
        """Return what is to be set; its own revision says nothing."""
        values = {name: getattr(self, name) for name in RetentionPut.__struct_fields__}
        del values["expected_revision"]
        return Retention(**values)


class RetentionView(msgspec.Struct, frozen=True, kw_only=True):
    """How long what is kept, in days."""

    revision: int
    """0: nothing is set, these are the defaults."""
    simulation_transcripts: int | None
    conversation_transcripts: int | None
    score_details: int | None
    webhook_payloads: int
    usage_details: int
    audit_log: int
    updated_at: datetime | None

    @classmethod
    def of(cls, retention: Retention, updated_at: datetime | None) -> "RetentionView":
        """Return the public form."""
        values = {name: getattr(retention, name) for name in Retention.__struct_fields__}
        return cls(**values, updated_at=None if updated_at is None else utc(updated_at))

"""What rooms that use a language model see of it."""

from collections.abc import Awaitable, Callable
from typing import Generic, Literal, Protocol, TypeVar
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.contracts.llm import CallNote, ModelPolicy, Prompt, Task, WhyEmbedded
from shared.db.sealed import SealKey

Answer = TypeVar("Answer", bound=msgspec.Struct)


class Purpose(Record, frozen=True, kw_only=True):
    """Whose money a call spends, and for what; the ids under which its cost is found again."""

    tenant_id: UUID
    task: Task
    environment: Literal["live", "test"]
    learner_id: UUID | None = None
    simulation_id: UUID | None = None
    seq: int | None = None
    """Of the customer's turn that is worded or appraised."""
    scoring_id: UUID | None = None
    operation_id: UUID | None = None


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a model."""

    purpose: Purpose
    prompt: Prompt
    key: SealKey
    """Seals the answer where it is kept: the learner's, or the tenant's without a learner."""
    max_output_tokens: int
    deadline_s: float
    """For everything: waiting for a place, the call, its last byte."""
    until: Callable[[], float] | None = None
    """When to give up as things stand, on the event loop's clock, if before the deadline. It is
    asked again after every piece of a stream: a listener that has what it needs grants more."""
    temperature: float | None = None
    """None: the tenant's, for wording; the endpoint's own else."""
    seed: int | None = None
    names: tuple[str, ...] = ()
    """Known from the session, the learner's for instance: replaced by marks with other personal
    data where the tenant wants that. System messages are ours and go out as they are."""
    kept: tuple[str, ...] = ()
    """Facts of the scenario that look like personal data and must be sent as they are."""
    number: int = 0
    """Which of several calls for the same purpose: samples, chunks, a second try. Recorded answers
    are found again by it."""


class ChatAnswer(Record, frozen=True, kw_only=True):
    """What a model said."""

    text: str
    call: CallNote
    is_cut: bool = False
    """True: whoever listened had heard enough (`StopListening`)."""


class Structured(msgspec.Struct, Generic[Answer], frozen=True, kw_only=True):
    """An answer that has the wanted form."""

    value: Answer
    calls: tuple[CallNote, ...]
    """Two when the first answer had to be repaired."""


class ModelFailedError(Exception):
    """There is no answer; whoever asked goes on with the embedded engine."""

    def __init__(self, why: WhyEmbedded, calls: tuple[CallNote, ...] = ()) -> None:
        super().__init__(why.value)
        self.why = why
        self.calls = calls
        """What was paid for all the same."""


class StopListening(Exception):  # noqa: N818 -- not an error: the listener ends the stream with it
    """Raised by a listener that needs no more of a stream."""


Listener = Callable[[str], Awaitable[None]]
"""Takes a piece of an answer as soon as it is there."""


class LanguageModel(Protocol):
    """The gateway."""

    async def policy(self, tenant_id: UUID) -> ModelPolicy | None:
        """Return how the tenant uses its model; None when there is no endpoint at all.

        Raises:
            ModelFailedError: UNACCOUNTED: that cannot be found out.
        """
        ...

    async def endpoint(self, tenant_id: UUID) -> str:
        """Return a word for where the tenant's model is asked, the same only for the same endpoint;
        it tells nothing of the address. Empty where there is none.

        Raises:
            ModelFailedError: UNACCOUNTED: that cannot be found out.
        """
        return ""

    async def chat(self, request: ChatRequest, listener: Listener | None = None) -> ChatAnswer:
        """Ask, and return the whole answer; with a `listener` it is streamed to it piece by piece.

        Raises:
            ModelFailedError: no answer, for whatever reason; never anything else.
        """
        ...

    async def structured(self, request: ChatRequest, kind: type[Answer]) -> Structured[Answer]:
        """Ask for an answer of this form; one that does not fit is repaired once.

        Raises:
            ModelFailedError: no answer of that form.
        """
        ...

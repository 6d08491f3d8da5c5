"""A model that renders from a small book, for tests without servers."""

from collections.abc import Callable, Mapping
from typing import Any, cast
from uuid import UUID

import msgspec
from typing_extensions import override

from shared.contracts.llm import CallNote, ModelPolicy, Task, WhyEmbedded
from shared.db.sealed import SealKey
from shared.llm.ports import (
    Answer,
    ChatAnswer,
    ChatRequest,
    LanguageModel,
    Listener,
    ModelFailedError,
    Purpose,
    Structured,
)
from shared.rendering.render import Job
from tests.support.worded import data_of, note_of

TENANT = UUID(int=7)
KEY = SealKey(TENANT, bytes(32))

Words = Callable[[ChatRequest], str | Exception]
"""Words a line: the answer, or what goes wrong."""


def job(language: str = "de") -> Job:
    """Return a question about a language."""
    purpose = Purpose(tenant_id=TENANT, task=Task.APPRAISAL, environment="live")
    return Job(purpose=purpose, key=KEY, language=language, boundary="f" * 32, deadline_s=5)


class Book(LanguageModel):
    """Renders what it has in its book; all else as a sentence that says nothing."""

    def __init__(
        self,
        english: Mapping[str, str],
        *,
        words: Words | None = None,
        acts: Mapping[str, list[str]] | None = None,
    ) -> None:
        self.asked: list[ChatRequest] = []
        self.answers: list[Any] = []
        """What it answers first, one by one, in place of the book: any JSON, or an exception."""
        self._english = english
        self._words = words
        self._acts = acts or {}

    @override
    async def policy(self, tenant_id: UUID) -> ModelPolicy | None:
        return ModelPolicy()

    @override
    async def chat(self, request: ChatRequest, listener: Listener | None = None) -> ChatAnswer:
        self.asked.append(request)
        answer = ModelFailedError(WhyEmbedded.TIMEOUT) if not self._words else self._words(request)
        if isinstance(answer, Exception):
            raise answer
        if listener is not None:
            await listener(answer)
        return ChatAnswer(text=answer, call=note_of(request))

    @override
    async def structured(self, request: ChatRequest, kind: type[Answer]) -> Structured[Answer]:
        self.asked.append(request)
        answer = self.answers.pop(0) if self.answers else self.render(request)
        if isinstance(answer, Exception):
            raise answer
        value = msgspec.convert(answer, kind, strict=False)
        calls: tuple[CallNote, ...] = (note_of(request),)
        return Structured(value=value, calls=calls)

    def render(self, request: ChatRequest) -> dict[str, object]:
        """Return the answer by the book."""
        sentences = cast("list[dict[str, Any]]", data_of(request)["sentences"])
        return {
            "sentences": [
                {
                    "n": each["n"],
                    "english": self._english.get(each["text"], "This is what is said."),
                    "acts": self._acts.get(each["text"], []),
                }
                for each in sentences
            ]
        }

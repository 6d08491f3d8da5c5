"""Personal data leaves as marks (`[EMAIL_1]`) and comes back as what it was."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from shared.contracts.llm import Message
from shared.llm.ports import ChatRequest, Listener
from shared.llm.records import Redactor

_MARK: Final = re.compile(r"\[[^\[\]]{1,40}\]")


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """Messages as they are sent, and how to read what comes back."""

    messages: tuple[Message, ...]
    marks: Mapping[str, str]

    def restore(self, text: str) -> str:
        """Put back what was marked in plain text."""
        return self._replaced(text, lambda original: original)

    def restore_json(self, text: str) -> str:
        """Put it back inside the strings of a JSON text."""
        return self._replaced(text, lambda original: msgspec.json.encode(original)[1:-1].decode())

    def _replaced(self, text: str, form: Callable[[str], str]) -> str:
        if not self.marks or "[" not in text:
            return text
        # In one pass: what stood there may itself look like a mark.
        return _MARK.sub(
            lambda found: form(self.marks[found[0]]) if found[0] in self.marks else found[0], text
        )


def marked(redactor: Redactor, request: ChatRequest, messages: tuple[Message, ...]) -> Marked:
    """Take personal data out of everything that is not ours."""
    places = [place for place, message in enumerate(messages) if message.role != "system"]
    texts = [messages[place].content for place in places]
    found = redactor.redact(texts, names=request.names, kept=request.kept)
    sent = list(messages)
    for place, text in zip(places, found.texts, strict=True):
        sent[place] = Message(role=messages[place].role, content=text)
    return Marked(messages=tuple(sent), marks=found.marks)


class RestoringListener:
    """Hands pieces on with what was marked put back; a piece may end inside a mark."""

    def __init__(self, listener: Listener, words: Marked) -> None:
        self._listener = listener
        self._words = words
        self._held = ""

    async def hear(self, piece: str) -> None:
        """Take a piece; hand on what cannot be the beginning of a mark."""
        text = self._held + piece
        start = text.rfind("[")
        if start >= 0 and any(mark.startswith(text[start:]) for mark in self._words.marks):
            text, self._held = text[:start], text[start:]
        else:
            self._held = ""
        if text:
            await self._listener(self._words.restore(text))

    async def end(self) -> None:
        """Hand on what was held back, when the answer ends there."""
        text, self._held = self._held, ""
        if text:
            await self._listener(self._words.restore(text))

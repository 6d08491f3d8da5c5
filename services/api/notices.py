"""What people are told by law, as the API shows it."""

import msgspec

from shared.notices import notice


class AiNoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """That a program speaks. Show it to the learner before the first turn."""

    is_ai: bool
    """Always true: no person speaks as the customer."""
    text: str
    language: str
    """Of the text; `en` where there is none in the simulation's language."""
    law: str
    """What asks for it."""
    version: str
    """Of the text."""

    @classmethod
    def of(cls, language: str) -> "AiNoticeView":
        """Return the notice in a language."""
        told = notice("simulation", language)
        return cls(
            is_ai=True,
            text=told.text,
            language=told.language,
            law=told.law,
            version=told.version,
        )


class UseNoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """What a score may be used for. Show it to whoever decides by it, and to whom it is about."""

    text: str
    language: str
    """Of the text; `en` where there is none in the conversation's language."""
    is_sole_basis_allowed: bool
    """Always false: a person decides about employment, and can be asked why."""
    infers_emotions: bool
    """Always false: words are judged; nothing is inferred from voice, face or body."""
    law: str
    version: str
    """Of the text."""

    @classmethod
    def of(cls, language: str) -> "UseNoticeView":
        """Return the notice in a language."""
        told = notice("score", language)
        return cls(
            text=told.text,
            language=told.language,
            is_sole_basis_allowed=False,
            infers_emotions=False,
            law=told.law,
            version=told.version,
        )

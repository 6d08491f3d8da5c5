"""Tokens by length: no model's tokenizer is at hand, and a budget must hold for all of them."""

from collections.abc import Iterable
from typing import Final

from shared.contracts.llm import Message, Usage

PER_MESSAGE: Final = 8
"""Tokens that a message's role and frame cost at most."""

MOST_BYTES: Final = 1
"""Bytes of UTF-8 per token that a reservation counts in messages with somebody's words: no
tokenizer makes more tokens than bytes, and for rare scripts, digits apart or noise it makes as
many."""

OUR_BYTES: Final = 2
"""The same in system messages: they are ours, in English, which has 3.5 and more."""

LIKELY_BYTES: Final = 3
"""Bytes per token where an endpoint does not say what it counted. Measured with cl100k and o200k:
English 3.6 to 4.6, twelve other languages 2.2 to 9, mostly above 3."""


def most_tokens(messages: Iterable[Message]) -> int:
    """Return the input tokens that a reservation counts with."""
    return sum(
        _tokens(message.content, OUR_BYTES if message.role == "system" else MOST_BYTES)
        + PER_MESSAGE
        for message in messages
    )


def likely_usage(messages: Iterable[Message], answer: str, most: int | None = None) -> Usage:
    """Return what a call has cost when its endpoint did not say.

    Args:
        messages: what was asked.
        answer: what was heard.
        most: tokens that the answer was allowed; None: it was not bounded.
    """
    said = _tokens(answer, LIKELY_BYTES)
    asked = sum(_tokens(message.content, LIKELY_BYTES) + PER_MESSAGE for message in messages)
    return Usage(
        input_tokens=asked,
        output_tokens=said if most is None else min(said, most),
        is_estimated=True,
    )


def _tokens(text: str, per_token: int) -> int:
    return -(-len(text.encode()) // per_token)

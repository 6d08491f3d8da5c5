"""Renders sentences in English word by word, and an opening line in another language."""

from random import Random

import msgspec

from infra.llm_fake.asking import Ask
from infra.llm_fake.planners.glossary import from_english, to_english
from infra.llm_fake.planners.reading import data_of


def render(ask: Ask, dice: Random) -> str:  # noqa: ARG001 -- planners share a form
    """Return an English sentence for each sentence."""
    data = data_of(ask, "language", "sentences")
    language = str(data.get("language", ""))
    sentences = [
        {"n": each["n"], "english": to_english(str(each["text"]), language), "acts": []}
        for each in data.get("sentences", ())
    ]
    return msgspec.json.encode({"sentences": sentences}).decode()


def opening(ask: Ask, dice: Random) -> str:  # noqa: ARG001 -- planners share a form
    """Return the line in the language."""
    data = data_of(ask, "language", "line")
    line = from_english(str(data.get("line", "")), str(data.get("language", "")))
    return msgspec.json.encode({"line": line}).decode()

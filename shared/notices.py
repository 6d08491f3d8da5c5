"""What people are told by law, in their language: that a program speaks, what a score is for."""

from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from shared.contracts.base import Record
from shared.yaml_files import read_yaml

FALLBACK: Final = "en"

Kind = Literal["simulation", "score"]


class Notice(Record, frozen=True, kw_only=True):
    """One text, and what asks for it."""

    text: str
    language: str
    """Of the text; `en` where there is none in the language that was asked for."""
    law: str
    version: str
    """Of the texts: a date."""


def notice(kind: Kind, language: str) -> Notice:
    """Return a notice in the language of a tag of BCP 47, else in English."""
    spoken = language.lower().split("-")[0]
    return _told(kind, spoken if spoken in _book()["texts"] else FALLBACK)


@cache  # of what there is a text for: tags are the callers', and have no end
def _told(kind: Kind, known: str) -> Notice:
    book = _book()
    return Notice(
        text=book["texts"][known][kind],
        language=known,
        law=book["laws"][kind],
        version=book["version"],
    )


def languages() -> frozenset[str]:
    """Return the languages in which there are notices."""
    return frozenset(_book()["texts"])


@cache
def _book() -> Any:
    return read_yaml(files("shared").joinpath("notices.yaml"))

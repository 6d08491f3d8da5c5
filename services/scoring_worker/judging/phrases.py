"""Loads `phrases.yaml` once, at import; it is checked when read."""

import re
from collections.abc import Iterable
from importlib import resources

import msgspec

from shared.contracts.base import Authored
from shared.yaml_files import read_yaml


class _Phrases(Authored, frozen=True, kw_only=True):
    """The file as it is written; the comments in it say what each list is for."""

    feelings: dict[str, list[str]]
    negated: list[str]
    repeated: list[str]
    refused: list[str]
    settled: list[str]
    asks: list[str]
    commitment: list[str]
    vague: list[str]
    gloss: list[str]
    dead_end: list[str]
    secret: list[str]
    secret_warning: list[str]
    account_detail: list[str]


def _load(name: str) -> object:
    source = resources.files("services.scoring_worker.judging").joinpath(name)
    return read_yaml(source)


def either(entries: Iterable[str]) -> re.Pattern[str]:
    """Compile a list of alternatives; made for text in lower case with straight apostrophes."""
    return re.compile("|".join(f"(?:{entry})" for entry in entries))


PHRASES = msgspec.convert(_load("phrases.yaml"), _Phrases)
"""Regular expressions by purpose."""

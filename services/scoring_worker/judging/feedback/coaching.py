"""The texts of the feedback, loaded once and checked when read."""

from functools import cache
from importlib import resources

import msgspec

from shared.contracts.base import Authored
from shared.yaml_files import read_yaml

PACKAGE = "services.scoring_worker.judging.feedback"


class Praise(Authored, frozen=True, kw_only=True):
    """What a coach says about something that went well."""

    text: list[str]
    why: str
    """Why it matters to a customer, where nothing is known about this one."""


class Correction(Authored, frozen=True, kw_only=True):
    """What a coach says about something that went wrong or was missing."""

    text: list[str]
    """Texts with slots are preferred where the slots can be filled; the last ones have none."""
    why: str
    move: str
    """Key of the better wordings."""


class _Words(Authored, frozen=True, kw_only=True):
    """The file of words as it is written; lists stand between commas."""

    things: str
    personal: str
    no_deed: str
    commands: str
    told: str
    unfit: str
    feeling: dict[str, list[str]]
    cost: list[str]
    cost_plain: dict[str, list[str]]


class Words(Authored, frozen=True, kw_only=True):
    """Sentences and closed word lists for the slots of better wordings."""

    things: tuple[str, ...]
    """What customers bring to a company, as nouns."""
    personal: tuple[str, ...]
    """What people bring to somebody who listens."""
    no_deed: frozenset[str]
    """Verbs after `I will` that promise nothing to do."""
    commands: frozenset[str]
    """First words of sentences that tell somebody to do something."""
    told: tuple[str, ...]
    """Words of sentences that report something."""
    unfit: tuple[str, ...]
    """Words and word groups that nobody should say back."""
    feeling: dict[str, list[str]]
    """By family of feelings."""
    cost: list[str]
    cost_plain: dict[str, list[str]]
    """By family of feelings."""


def read_data(name: str) -> object:
    """Return the content of a file of this package."""
    source = resources.files(PACKAGE).joinpath(name)
    return read_yaml(source)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


def _words() -> Words:
    raw = msgspec.convert(read_data("words.yaml"), _Words)
    return Words(
        things=_listed(raw.things),
        personal=_listed(raw.personal),
        no_deed=frozenset(_listed(raw.no_deed)),
        commands=frozenset(_listed(raw.commands)),
        told=_listed(raw.told),
        unfit=_listed(raw.unfit),
        feeling=raw.feeling,
        cost=raw.cost,
        cost_plain=raw.cost_plain,
    )


WORDS = _words()
"""Word lists and sentences."""


@cache
def praise() -> dict[str, Praise]:
    """Return what may be praised, by indicator."""
    return msgspec.convert(read_data("praise.yaml"), dict[str, Praise])


@cache
def corrections() -> dict[str, Correction]:
    """Return what is corrected and how, by indicator; `unnamed` fits any other."""
    known = msgspec.convert(read_data("corrections.yaml"), dict[str, Correction])
    aliases = msgspec.convert(read_data("aliases.yaml"), dict[str, str])
    return {**known, **{key: known[other] for key, other in aliases.items()}}


@cache
def moves() -> dict[str, list[str]]:
    """Return the better wordings by move."""
    return msgspec.convert(read_data("moves.yaml"), dict[str, list[str]])


@cache
def causes() -> dict[str, list[str]]:
    """Return the indicators that speak of the same as a cause of a change in a simulated mind."""
    return msgspec.convert(read_data("causes.yaml"), dict[str, list[str]])

"""The phrases that any customer may say, read once from `banks/`."""

from pathlib import Path
from typing import Any

import msgspec

from services.sim_worker.engine.grammar import Line, parse
from shared.contracts.dialogue import Act
from shared.yaml_files import read_yaml

_FILES = ("moves", "troubles", "outcomes")
"""Files of bodies, each a map from bank to lines."""


class Leads(msgspec.Struct, frozen=True, kw_only=True):
    """First words before a common line, ending in a comma."""

    statement: tuple[Line, ...]
    question: tuple[Line, ...]
    but: tuple[Line, ...]
    """Before a line that takes back what the reaction granted."""


class Tails(msgspec.Struct, frozen=True, kw_only=True):
    """Last words behind the body: asides, second thoughts, short hits."""

    after: tuple[Line, ...]
    asked: tuple[Line, ...]
    """Behind a question."""


class Bank(msgspec.Struct, frozen=True, kw_only=True):
    """Everything any customer may say."""

    reactions: dict[Act, tuple[Line, ...]]
    """In the order in which a customer reacts to acts."""
    bodies: dict[str, tuple[Line, ...]]
    tails: Tails
    leads: Leads
    things: frozenset[str]
    """Nouns that may be taken up from the learner."""


def load() -> Bank:
    """Return the common bank of this engine version."""
    bodies = {name: _lines(lines) for file in _FILES for name, lines in _table(file).items()}
    reactions = {Act(name): _lines(lines) for name, lines in _table("reactions").items()}
    extras = _table("manner")
    leads = Leads(**{name: _lines(lines) for name, lines in extras["leads"].items()})
    return Bank(
        reactions=reactions,
        bodies=bodies,
        tails=Tails(**{name: _lines(lines) for name, lines in extras["tails"].items()}),
        leads=leads,
        things=frozenset(extras["things"]),
    )


def _table(name: str) -> Any:
    return read_yaml(Path(__file__).parent / "banks" / f"{name}.yaml")


def _lines(sources: list[str]) -> tuple[Line, ...]:
    return tuple(parse(source) for source in sources)


BANK = load()

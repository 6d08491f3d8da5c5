"""The checks' data: what shows that a line does something."""

import re
from importlib.resources import files
from typing import Final

import msgspec

from shared.audit.tables import any_of
from shared.yaml_files import read_yaml


class _Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`words.yaml` as it is written."""

    meta: tuple[str, ...]
    role_swap: tuple[str, ...]
    accepting: tuple[str, ...]
    agreeing: tuple[str, ...]
    leaving: tuple[str, ...]
    gone: tuple[str, ...]
    warning: tuple[str, ...]
    higher: tuple[str, ...]
    gross: tuple[str, ...]
    hard: tuple[str, ...]
    sharp: tuple[str, ...]
    days: tuple[str, ...]
    english: frozenset[str]
    foreign: frozenset[str]
    free_names: frozenset[str]


WORDS: Final = msgspec.convert(
    read_yaml(files("services.sim_worker.engine.checks") / "words.yaml"), _Words
)
"""Everything in `words.yaml`."""


def _one(expressions: tuple[str, ...]) -> re.Pattern[str]:
    return any_of(expressions)


META: Final = _one(WORDS.meta)
ROLE_SWAP: Final = _one(WORDS.role_swap)
ACCEPTING: Final = _one(WORDS.accepting)
YES: Final = _one(WORDS.agreeing)
LEAVING: Final = _one(WORDS.leaving)
GONE: Final = _one(WORDS.gone)
WARNING: Final = _one(WORDS.warning)
HIGHER: Final = _one(WORDS.higher)
GROSS: Final = _one(WORDS.gross)
HARD: Final = _one(WORDS.hard)
SHARP: Final = _one(WORDS.sharp)
DAYS: Final = _one(WORDS.days)

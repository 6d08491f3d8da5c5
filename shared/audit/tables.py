"""The audit's data: expressions that no customer says, and look-alike characters."""

import re
from pathlib import Path

import msgspec

from shared.yaml_files import read_yaml


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`language.yaml` as it is written."""

    role_swap: tuple[str, ...]
    softened: tuple[str, ...]
    markup: tuple[str, ...]
    lookalikes: dict[str, str]
    """Characters by the one that they look like."""


def _read() -> Table:
    return msgspec.convert(read_yaml(Path(__file__).with_name("language.yaml")), Table)


def any_of(expressions: tuple[str, ...]) -> re.Pattern[str]:
    """Return one expression that finds what any of these finds, line by line."""
    return re.compile("|".join(f"(?:{item})" for item in expressions), re.MULTILINE)


TABLE = _read()
"""Everything in `language.yaml`."""

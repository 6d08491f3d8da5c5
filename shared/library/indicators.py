"""Loads the list of indicators: the behaviors that rubrics may ask the embedded judge for."""

from functools import cache
from pathlib import Path

import msgspec

from shared.contracts.base import Authored
from shared.contracts.rubric import Polarity
from shared.yaml_files import read_yaml

_FILE = Path(__file__).with_name("indicators.yaml")


class KnownIndicator(Authored, frozen=True, kw_only=True):
    """A behavior that the judge can look for."""

    title: str
    """What a rubric may call it."""
    polarity: Polarity
    definition: str
    whole: bool = False
    """A check of the whole conversation: done once or not at all."""


@cache
def load_indicators() -> dict[str, KnownIndicator]:
    """Return every indicator by its key, in the file's order.

    Raises:
        msgspec.ValidationError: the file does not describe indicators.
    """
    raw = read_yaml(_FILE)
    return msgspec.convert(raw, dict[str, KnownIndicator])

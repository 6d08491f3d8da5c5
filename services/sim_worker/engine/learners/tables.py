"""Reads the data files of this package, once, at import."""

from pathlib import Path
from typing import Any

import yaml


def read_lines(name: str) -> Any:
    """Return a data file of this package, parsed."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones

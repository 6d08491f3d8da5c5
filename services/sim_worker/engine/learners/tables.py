"""Reads the data files of this package, once, at import."""

from pathlib import Path
from typing import Any

from shared.yaml_files import read_yaml


def read_lines(name: str) -> Any:
    """Return a data file of this package, parsed."""
    return read_yaml(Path(__file__).with_name(name))

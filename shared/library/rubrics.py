"""Loads the built-in rubrics; an authoring mistake in a file is an error at load."""

from functools import cache
from importlib import resources

import msgspec
import yaml

from shared.contracts.rubric import RubricSpec


@cache
def load_rubrics() -> tuple[RubricSpec, ...]:
    """Return every built-in rubric, ordered by slug.

    Raises:
        msgspec.ValidationError: a file does not describe a rubric.
    """
    files = (
        item
        for item in resources.files("shared.library").joinpath("rubrics").iterdir()
        if item.name.endswith(".yaml")
    )
    specs = (
        msgspec.convert(yaml.safe_load(item.read_text(encoding="utf-8")), RubricSpec)
        for item in files
    )
    return tuple(sorted(specs, key=lambda spec: spec.slug))

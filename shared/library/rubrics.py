"""Loads the built-in rubrics; an authoring mistake in a file is an error at load."""

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

import msgspec

from shared.contracts.rubric import RubricSpec
from shared.yaml_files import read_yaml

_END = ".yaml"


def _files() -> dict[str, Traversable]:
    folder = resources.files("shared.library").joinpath("rubrics")
    found = (item for item in folder.iterdir() if item.name.endswith(_END))
    return {item.name.removesuffix(_END): item for item in found}


@cache
def load_rubrics() -> tuple[RubricSpec, ...]:
    """Return every built-in rubric, ordered by slug.

    Raises:
        msgspec.ValidationError: a file does not describe a rubric.
    """
    specs = (msgspec.convert(read_yaml(item), RubricSpec) for item in _files().values())
    return tuple(sorted(specs, key=lambda spec: spec.slug))


def rubric_text(slug: str) -> str:
    """Return a built-in rubric as its file has it, comments included.

    Raises:
        KeyError: there is none with this slug; says which there are.
    """
    files = _files()
    if slug not in files:
        raise KeyError(f"there is no built-in rubric {slug!r}: {', '.join(sorted(files))}")
    return files[slug].read_text(encoding="utf-8")

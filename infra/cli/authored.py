"""Reads what people author (scenarios, rubrics) from YAML or JSON files, and prints its faults."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from shared.library.findings import Finding

Spec = TypeVar("Spec")


def read_authored(path: Path, kind: type[Spec]) -> Spec:
    """Return the value that a YAML or JSON file describes.

    Raises:
        CommandError: the file cannot be read or has not the form; every wrong field is named.
    """
    import yaml

    from services.api.validation import validate
    from shared.errors import AppError

    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise CommandError(f"{path}: is no YAML: {' '.join(str(error).split())}") from None
    odd = [f"{path}: {place}: put this key in quotes" for place in _odd_keys(raw, "")]
    if odd:
        raise CommandError("\n".join(odd))
    try:
        return validate(raw, kind)
    except AppError as error:
        wrong = [f"{path}: {each.pointer or '/'}: {each.detail}" for each in error.errors]
        raise CommandError("\n".join(wrong) or f"{path}: {error.detail}") from None


def _odd_keys(value: Any, path: str) -> Iterator[str]:
    """Yield the places of keys that are no text (`1:`, `yes:`): JSON has none of them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                yield f"{path}/{key}"
            yield from _odd_keys(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _odd_keys(inner, f"{path}/{number}")


def told(path: Path, findings: "Iterable[Finding]") -> Iterator[str]:
    """Yield the findings of a file for a person, one line each."""
    nothing = True
    for each in findings:
        nothing = False
        yield f"{path}: {each.path}: {each.severity} {each.code}: {each.message}. {each.advice}"
    if nothing:
        yield f"{path}: no faults"

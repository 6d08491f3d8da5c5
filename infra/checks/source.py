"""What rules read and what they answer."""

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import msgspec
from typing_extensions import override


class Violation(msgspec.Struct, frozen=True, order=True):
    """One broken rule at one place; prints as `path:line rule message`."""

    path: str
    line: int
    rule: str
    message: str

    @override
    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.rule} {self.message}"


class Source(msgspec.Struct, frozen=True):
    """A file of the repository."""

    path: str
    """Relative to the repository, with forward slashes."""
    text: str

    def is_in(self, *folders: str) -> bool:
        """Say whether the file lies below one of these folders (or is one of these files)."""
        return any(self.path == folder or self.path.startswith(f"{folder}/") for folder in folders)

    def tree(self) -> ast.Module:
        """Return the syntax tree of a Python file; raises `SyntaxError`."""
        return _parse(self.text, self.path)


@lru_cache(maxsize=8)
def _parse(text: str, path: str) -> ast.Module:
    """Parse once for all the rules that look at a file in a row."""
    return ast.parse(text, path)


def read_sources(root: Path, folders: tuple[str, ...], suffix: str) -> Iterator[Source]:
    """Yield the files with this suffix below these folders of `root`, in order of their paths."""
    for folder in folders:
        for path in sorted((root / folder).rglob(f"*{suffix}")):
            yield Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))

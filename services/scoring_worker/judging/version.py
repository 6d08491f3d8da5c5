"""The name of the rules: changes whenever code or data that decide a score change."""

import hashlib
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable

ENGINE_NAME = "embedded-2"
"""Bumped by hand when results before and after must not be compared."""

_PACKAGES = (
    "services.scoring_worker.judging",
    "shared.dialogue",
    "shared.intake",
    "shared.scorecard",
)
"""With everything below them. The taxonomy and the rubric are named by hashes of their own."""

_DECIDING = (".py", ".yaml", ".json", ".md")


def covered_files() -> list[str]:
    """Return `package/file` for everything that the version names."""
    return [name for name, _ in _files()]


def _files() -> Iterator[tuple[str, Traversable]]:
    for package in _PACKAGES:
        yield from _below(resources.files(package), package)


def _below(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for item in sorted(folder.iterdir(), key=lambda each: each.name):
        path = f"{name}/{item.name}"
        if item.is_file() and item.name.endswith(_DECIDING):
            yield path, item
        elif item.is_dir():
            yield from _below(item, path)


def _digest() -> str:
    """Hash the sources of the rules, read once at import; line endings do not matter."""
    digest = hashlib.sha256()
    for name, item in _files():
        digest.update(f"{name}\n".encode())
        digest.update(item.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]


ENGINE_VERSION = f"{ENGINE_NAME}+{_digest()}"
"""Pinned by every assessment."""

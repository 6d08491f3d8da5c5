"""Words that nobody else has, and a look for them in whatever form they may have been kept."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

CHUNK: Final = 8 * 1024 * 1024
"""Bytes of a file that are looked at together."""

OVERLAP: Final = 4096
"""Bytes that two chunks share: longer than any form of a word."""


class Sighting(NamedTuple):
    """A word where it must not be."""

    where: str
    word: str
    form: str


class Canaries:
    """Finds words in bytes: as they are, in other encodings, in base64 and in hex.

    Args:
        words: What to look for, by a name that may be shown.
        stem: What most of them have in them: where it is not, they are not looked for.
    """

    def __init__(self, words: Mapping[str, str], *, stem: str = "") -> None:
        self._stem = dict(_forms(stem)) if stem else {}
        self._forms, self._stemmed = (
            {
                form: (name, kind)
                for name, word in words.items()
                for form, kind in _forms(word)
                if bool(stem and stem in word) is has_stem
            }
            for has_stem in (False, True)
        )

    def seen(self, where: str, data: bytes) -> set[Sighting]:
        """Return what some bytes hold."""
        lowered = data.lower()

        def has(form: bytes, kind: str) -> bool:
            return form in (data if kind == "base64" else lowered)

        found = {Sighting(where, *what) for form, what in self._forms.items() if has(form, what[1])}
        if any(has(form, kind) for form, kind in self._stem.items()):
            some = self._stemmed.items()
            found |= {Sighting(where, *what) for form, what in some if has(form, what[1])}
        return found

    def seen_in_files(self, folder: Path, left_out: set[str]) -> tuple[set[Sighting], int]:
        """Look through every file below a folder; return what was seen, and how many files."""
        found: set[Sighting] = set()
        files = 0
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_symlink() or not path.is_file() or name in left_out:
                continue
            files += 1
            for data in _chunks(path):
                found |= self.seen(name, data)
        return found, files


def _forms(word: str) -> Iterator[tuple[bytes, str]]:
    """Yield the forms of a word, and what they are."""
    plain = word.lower().encode()
    yield plain, "plain"
    yield plain[::-1], "backwards"
    yield plain.hex().encode(), "hex"
    yield word.encode().hex().encode(), "hex"
    for encoding in ("utf-16-le", "utf-16-be"):
        coded = word.lower().encode(encoding)
        yield coded, "utf-16"
    for shift in range(3):  # a word inside a longer text begins at any of three places
        for alphabet in (b"+/", b"-_"):
            whole = base64.b64encode(b"\0" * shift + word.encode(), altchars=alphabet).rstrip(b"=")
            # The first and the last letter depend on the text around the word.
            yield whole[(0, 2, 3)[shift] : -1], "base64"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        before = b""
        while data := file.read(CHUNK):
            yield before + data
            before = data[-OVERLAP:]

"""Named queries: `queries.sql` beside the repository that uses it."""

import re
from importlib.resources import files

_WHY = re.compile(r"\A\s*(--.*\n)+")
"""The comment lines at the top of a statement are for readers, not for the server."""

_HEADER = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class QueryNotFoundError(KeyError):
    """The file has no query of that name."""


class Queries:
    """The statements of one `queries.sql`, by name.

    The file is a list of `-- name: x`, one comment line that says why the query exists, the
    statement.
    """

    def __init__(self, package: str, file: str = "queries.sql") -> None:
        text = files(package).joinpath(file).read_text(encoding="utf-8")
        parts = _HEADER.split(text)[1:]
        self._statements = {
            name: _WHY.sub("", statement).strip()
            for name, statement in zip(parts[::2], parts[1::2], strict=True)
        }

    def __getitem__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            raise QueryNotFoundError(name) from None

    def names(self) -> tuple[str, ...]:
        """Return the names in file order."""
        return tuple(self._statements)

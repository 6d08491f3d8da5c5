"""The list of migrations that services wait for at their start is the list of files.

Services may not import `infra`, so the names are written into `shared/db`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infra.checks.source import Violation

FOLDER: Final = "infra/migrations"
LIST: Final = "shared/db/schema.py"
RULE: Final = "schema-names"

HOW: Final = "run `python -m infra.checks --update-schema`"


def check(root: Path) -> Iterator[Violation]:
    """Compare the committed list with the files."""
    path = root / LIST
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    found = names(root)
    if path.parent.exists() and known != rendered(found):
        yield Violation(LIST, 1, RULE, f"does not name the migrations that there are: {HOW}")


def update(root: Path) -> None:
    """Write the list anew."""
    (root / LIST).write_text(rendered(names(root)), encoding="utf-8")


def names(root: Path) -> tuple[str, ...]:
    """Return the names of all migrations, in order."""
    return tuple(sorted(path.name for path in (root / FOLDER).glob("*.sql")))


def rendered(migrations: tuple[str, ...]) -> str:
    """Return the module that names them."""
    lines = "".join(f'    "{name}",\n' for name in migrations)
    return (
        '"""The migrations that the code of today needs. Written by the checks of `infra`."""\n\n'
        "from typing import Final\n\n"
        f"MIGRATIONS: Final = (\n{lines})\n"
        '"""Names, in order; a process takes no work until all of them are applied."""\n'
    )

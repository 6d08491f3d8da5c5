"""`docs/problems`, made from the words that the API serves.

    python -m tests.support.problem_docs

writes a page per kind of error and its index anew.
"""

from pathlib import Path

import services.api.app  # noqa: F401 - defines every kind of error
from services.api.problem_pages import error_types, markdown

FOLDER = Path(__file__).parents[2] / "docs" / "problems"

INDEX = """# Problems

Every refusal is a problem (RFC 9457) with a `code`. Its `type` leads to the page of that code, which an installation
serves under `/problems/<code>`.

| Code | Status | Title |
|---|---|---|
"""


def pages() -> dict[str, str]:
    """Return the text of every file by its name."""
    kinds = sorted(error_types().values(), key=lambda kind: (kind.status, kind.code))
    rows = [
        f"| [`{kind.code}`]({kind.code}.md) | {kind.status} | {kind.title} |\n" for kind in kinds
    ]
    return {f"{kind.code}.md": markdown(kind) for kind in kinds} | {
        "README.md": INDEX + "".join(rows)
    }


def main() -> None:
    """Write the files, and remove those of codes that are gone."""
    FOLDER.mkdir(exist_ok=True)
    wanted = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

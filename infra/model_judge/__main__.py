"""`python -m infra.model_judge`: indicators per call, and what a cascade asks.

Plays scenarios of the library with scripted learners, builds the real questions and prints the
tables of `docs/model-judge.md`; with `--write` they are written there. No model is asked.
"""

import argparse
from pathlib import Path

from infra.model_judge.tables import TABLES
from shared.library.markdown import put_tables

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "model-judge.md"
"""Where the tables stand."""


def main() -> None:
    """Read the arguments and do it."""
    ask = argparse.ArgumentParser(prog="python -m infra.model_judge", description=__doc__)
    ask.add_argument("--write", action="store_true", help=f"write into {DOCUMENT.name}")
    options = ask.parse_args()
    if options.write:
        DOCUMENT.write_text(put_tables(DOCUMENT.read_text("utf-8"), TABLES), encoding="utf-8")
        return
    for name, make in TABLES.items():
        print(f"{name}\n\n{make()}")


if __name__ == "__main__":
    main()

"""`python -m infra.coverage`: the risk-coverage curve of the judge's pass/fail decisions.

Plays every scenario of the library with every scripted learner and prints the tables of
`docs/abstention.md`; with `--write` they are written there.
"""

import argparse
import os
from pathlib import Path

from infra.coverage.conversations import play_library
from infra.coverage.page import tables
from shared.library.markdown import put_tables

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "abstention.md"
"""Where the tables stand."""


def main() -> None:
    """Read the arguments and do it."""
    ask = argparse.ArgumentParser(prog="python -m infra.coverage", description=__doc__)
    ask.add_argument("--seeds", type=int, default=4, help="conversations of each kind, 2 or more")
    ask.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    ask.add_argument("--write", action="store_true", help=f"write into {DOCUMENT.name}")
    options = ask.parse_args()
    if options.seeds < 2 or options.workers < 1:
        ask.error("two seeds and one worker are the least")
    made = tables(play_library(range(1, options.seeds + 1), workers=options.workers))
    if options.write:
        DOCUMENT.write_text(put_tables(DOCUMENT.read_text("utf-8"), made), encoding="utf-8")
        return
    for name, make in made.items():
        print(f"{name}\n\n{make()}")


if __name__ == "__main__":
    main()

"""`python -m tests.support.chaos_table --seeds 20`: kills and freezes at length; writes docs/chaos.md.

A product is started for each run of seeds; every seed harms each process once, under mixed load, and
is judged by the history checker and by `tests/e2e/truth.py`. The first fault ends it.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.e2e.conftest import SETTINGS
from tests.support.mayhem import VICTIMS, Mayhem, Recorded, Recovery, plan
from tests.support.product import Product

PAGE: Final = Path("docs/chaos.md")
MARK: Final = "<!-- table -->"

Runs = Mapping[int, Sequence[Recovery]]


async def _seed(product: Product, seed: int) -> list[Recovery]:
    partner = Recorded.new(product, f"mayhem-{seed}")
    assert isinstance(partner, Recorded)
    try:
        return await Mayhem(product, partner, seed).run(plan(seed, len(VICTIMS)))
    finally:
        await partner.close()


def run(seeds: Sequence[int]) -> dict[int, list[Recovery]]:
    """Run seeds one after the other; return the recoveries of each."""
    done: dict[int, list[Recovery]] = {}
    with tempfile.TemporaryDirectory(prefix="rapport-chaos-") as place:
        product = Product(Path(place) / "data", SETTINGS)
        try:
            product.start()
            for seed in seeds:
                done[seed] = asyncio.run(_seed(product, seed))
                slowest = max(each.seconds for each in done[seed])
                print(f"seed {seed}: lost 0, doubled 0, slowest {slowest:.1f} s", flush=True)
        finally:
            product.clean_up()
    return done


def table(runs: Runs) -> str:
    """Return the two tables of the page."""
    return f"{_by_victim(runs)}\n\n{_by_seed(runs)}\n"


def _by_victim(runs: Runs) -> str:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for recoveries in runs.values():
        for fault, seconds in recoveries:
            found[fault.victim, fault.kind].append(seconds)
    lines = ["| harmed | how | times | recovery, median s | longest s |", "|---|---|---|---|---|"]
    for victim in VICTIMS:
        for kind in ("kill", "freeze"):
            times = found.get((victim, kind))
            if times:
                lines.append(
                    f"| {victim} | {kind} | {len(times)} | {statistics.median(times):.1f}"
                    f" | {max(times):.1f} |"
                )
    return "\n".join(lines)


def _by_seed(runs: Runs) -> str:
    lines = ["| seed | faults, each with seconds until everything worked | lost | doubled |"]
    lines.append("|---|---|---|---|")
    for seed, recoveries in runs.items():
        faults = ", ".join(f"{fault.kind} {fault} {seconds:.1f}" for fault, seconds in recoveries)
        lines.append(f"| {seed} | {faults} | 0 | 0 |")
    return "\n".join(lines)


def main() -> int:
    """Run and write; a fault is a traceback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    runs = run(range(options.first, options.first + options.seeds))
    before = PAGE.read_text(encoding="utf-8").split(MARK)[0]
    PAGE.write_text(f"{before}{MARK}\n\n{table(runs)}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

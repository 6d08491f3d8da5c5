"""`python -m infra.bench [--only GROUP]`: exits 1 when a target is missed."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from infra.bench import (
    api,
    bulk,
    database,
    fairness,
    llm,
    llm_batch,
    ops,
    persona,
    reporting,
    scoring,
    sealing,
    stack,
    streaming,
    telemetry,
    turns,
    webhooks,
)
from infra.bench.product import ProductError
from infra.bench.rows import Report

GROUPS: dict[str, Callable[[Report, Path], None]] = {
    "stack": stack.run,
    "api": api.run,
    "db": database.run,
    "turn": turns.run,
    "persona": persona.run,
    "bulk": bulk.run,
    "scoring": scoring.run,
    "growth": scoring.grow,
    "reporting": reporting.run,
    "webhook": webhooks.run,
    "stream": streaming.run,
    "telemetry": telemetry.run,
    "llm": llm.run,
    "llm_batch": llm_batch.run,
    "fairness": fairness.run,
    "ops": ops.run,
    "trail": sealing.run,
}


def main() -> int:
    """Run the groups, print the table, write `.rapport/bench.json`."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=GROUPS, help="one group")
    only = parser.parse_args().only
    report = Report()
    for name, run in GROUPS.items():
        if only in {None, name}:
            with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
                try:
                    run(report, Path(folder))
                except ProductError as error:
                    sys.stderr.write(f"rapport bench: {error}\n")
                    return 1
    report.write(Path(".rapport/bench.json"))
    return 0 if all(row.ok for row in report.rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

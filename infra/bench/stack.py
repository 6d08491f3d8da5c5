"""Group `stack`: warm start and idle memory of the whole product."""

import statistics
import time
from pathlib import Path

from infra.bench.product import descendants, pss_mb, running
from infra.bench.rows import Report

RUNS = 5
REST_S = 3.0
"""Seconds of rest before memory is read."""


def run(report: Report, data_dir: Path) -> None:
    """Measure the group; the first start only makes the data directory."""
    with running(data_dir, {}):
        pass
    times = []
    for _ in range(RUNS):
        with running(data_dir, {}) as (up, took):
            times.append(took)
            if len(times) == RUNS:
                time.sleep(REST_S)
                memory = pss_mb(descendants(up.pids["supervisor"]))
    report.add("stack.boot_warm_s", statistics.median(times), "s", 1.0)
    report.add("stack.idle_mb", memory, "MB", 700)

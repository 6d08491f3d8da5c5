"""Group `stack`: warm start and idle memory of the whole product."""

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from infra.bench.product import cpu_s, descendants, pss_mb, running
from infra.bench.rows import Report
from infra.devstack.stack import Stack

RUNS = 5
REST_S = 3.0
"""Seconds of rest before memory is read."""

LIBRARIES = (
    "litestar, uvicorn, httptools, uvloop, asyncpg, nats, structlog, msgspec, temporalio.client,"
    "temporalio.worker, cryptography.hazmat.primitives.ciphers.aead"
)
"""What the services import from others: paid before the first line of our own runs."""


def run(report: Report, data_dir: Path) -> None:
    """Measure the group; the first start only makes the data directory."""
    with running(data_dir, {}):
        pass
    report.add("stack.floor_boot_s", _floor_s(data_dir), "s")
    times = []
    for _ in range(RUNS):
        with running(data_dir, {}) as (up, took):
            times.append(took)
            if len(times) == RUNS:
                time.sleep(REST_S)
                memory = pss_mb(descendants(up.pids["supervisor"]))
    report.add("stack.boot_warm_s", statistics.median(times), "s", 1.0)
    report.add("stack.idle_mb", memory, "MB", 700)


def _floor_s(data_dir: Path) -> float:
    """Return processor seconds of the bare servers and the libraries alone, spread over all cores.

    No order of starting can be faster than that.
    """
    with Stack(data_dir, {}) as stack:
        servers = cpu_s([one for pid in stack.pids.values() for one in descendants(pid)])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {LIBRARIES}"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    imports = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (servers + imports) / (os.cpu_count() or 1)

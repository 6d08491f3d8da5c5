"""The product under measurement: started as `rapport up`, read through /proc."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.product import ProductError, ProductProcess
from infra.supervisor import UpFile

__all__ = ["ProductError", "cpu_s", "descendants", "pss_mb", "running"]

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0
TICKS = os.sysconf("SC_CLK_TCK")

UNLIMITED = "10000000"
"""Requests per minute: one tenant stands for many here."""


@contextmanager
def running(data_dir: Path, environment: Mapping[str, str]) -> Iterator[tuple[UpFile, float]]:
    """Start the product; yield its up-file and the seconds from the command to readiness."""
    data_dir.mkdir(parents=True, exist_ok=True)
    product = ProductProcess(
        data_dir,
        {"RAPPORT_REQUESTS_PER_MINUTE": UNLIMITED, **os.environ, **environment},
        output=data_dir / "bench.log",
        is_durable=True,
        is_apart=False,
    )
    try:
        took = product.start(START_TIMEOUT_S)
        yield product.up, took
    finally:
        product.end(signal.SIGTERM, STOP_TIMEOUT_S)


def descendants(pid: int) -> list[int]:
    """Return the process and everything below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting.extend(children.get(one, ()))
    return found


def cpu_s(pids: list[int]) -> float:
    """Return user and system seconds of the processes, ended children included."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def pss_mb(pids: list[int]) -> float:
    """Return the proportional set size of the processes: shared pages are counted once."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024

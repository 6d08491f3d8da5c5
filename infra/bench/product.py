"""The product under measurement: started as `rapport up`, read through /proc."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from infra.supervisor import UpFile

START_TIMEOUT_S = 60.0
TICKS = os.sysconf("SC_CLK_TCK")

UNLIMITED = "10000000"
"""Requests per minute: one tenant stands for many here."""


class ProductError(Exception):
    """The product did not come up."""


@contextmanager
def running(data_dir: Path, environment: Mapping[str, str]) -> Iterator[tuple[UpFile, float]]:
    """Start the product; yield its up-file and the seconds from the command to readiness."""
    path = data_dir / "up.json"
    path.unlink(missing_ok=True)
    data_dir.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with (data_dir / "bench.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.cli.main", "--data-dir", str(data_dir), "up"],
            env={"RAPPORT_REQUESTS_PER_MINUTE": UNLIMITED, **os.environ, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        while not path.exists():
            if process.poll() is not None or time.perf_counter() - started > START_TIMEOUT_S:
                raise ProductError((data_dir / "bench.log").read_text()[-500:])
            time.sleep(0.002)
        took = time.perf_counter() - started
        yield msgspec.json.decode(path.read_bytes(), type=UpFile), took
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


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

"""Group `scoring`: the judge alone, a file of conversations, and one scoring over HTTP.

Group `growth`: what a hundred thousand conversations leave behind in memory.
"""

import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from itertools import cycle, islice
from pathlib import Path
from typing import IO, Any

import msgspec
import uvloop

from infra.bench.http import Connection, HttpError
from infra.bench.product import ProductError, descendants, pss_mb, running
from infra.bench.resting import new_learner, quiet, settled
from infra.bench.rows import Report, percentile
from infra.bench.transcripts import library, tiny, transcript
from infra.supervisor import UpFile
from services.scoring_worker.judging.judge import judge
from shared.contracts.rubric import RubricSpec
from shared.contracts.scoring import Transcript
from shared.dialogue.analyzer import analyze
from shared.library.rubrics import load_rubrics

RUBRIC = "general"
SEEDS = (1, 2, 3)
FILE_LINES = 3000
WORKERS = 2
TINY = 100_000
SETTLED = 5_000
"""Tiny conversations after which the caches are full: growth counts from there."""

SINGLE = 100
"""Scorings over HTTP, one after the other."""
POLL_S = 0.01

_SCORE = (sys.executable, "-m", "infra.cli.main", "score")


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    warm, *rest = (library(seed) for seed in SEEDS)
    fresh = [each for one in rest for each in one]
    _judge_alone(report, [transcript(each) for each in warm], [transcript(each) for each in fresh])
    _file(report, data_dir, [*warm, *fresh])
    with running(data_dir / "stack", {"RAPPORT_LOG_LEVEL": "warning"}) as (up, _):
        uvloop.run(_over_http(report, up, fresh))


def _rubric() -> RubricSpec:
    return next(spec for spec in load_rubrics() if spec.slug == RUBRIC)


def _judge_alone(report: Report, warm: list[Transcript], fresh: list[Transcript]) -> None:
    """Judge conversations that were not seen before: the judge remembers texts."""
    rubric = _rubric()
    for one in warm:
        for turn in one.turns:
            analyze(turn.text)  # or what is compiled when first needed would count as analysis
        judge(one, rubric)
    started = time.process_time()
    for one in fresh:
        for turn in one.turns:
            analyze(turn.text)
    analyzed = time.process_time()
    for one in fresh:
        judge(one, rubric)
    judged = time.process_time()
    report.add("scoring.floor_analysis_ms", 1000 * (analyzed - started) / len(fresh), "ms")
    each = 1000 * (judged - analyzed) / len(fresh)
    report.add("scoring.cpu_ms_per_transcript", each, "ms", 12)


def _file(report: Report, folder: Path, conversations: list[dict[str, Any]]) -> None:
    """Time the whole command, its start included."""
    source, out = folder / "conversations.jsonl", folder / "assessments.jsonl"
    lines = [msgspec.json.encode(each) + b"\n" for each in conversations]
    count = -(-FILE_LINES // len(lines)) * len(lines)
    source.write_bytes(b"".join(lines) * (count // len(lines)))
    arguments = [*_SCORE, str(source), "--out", str(out), "--workers", str(WORKERS)]
    before, started = _children_s(), time.perf_counter()
    if subprocess.run([*arguments, "--strict", "--quiet"], check=False).returncode:
        raise ProductError("rapport score failed")
    wall = time.perf_counter() - started
    report.add("scoring.files_cpu_ms", 1000 * (_children_s() - before) / count, "ms")
    report.add("scoring.files_per_s", count / wall, "1/s", 150, "least")


def _children_s() -> float:
    """Return the processor seconds of the processes that were waited for, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _over_http(report: Report, up: UpFile, conversations: list[dict[str, Any]]) -> None:
    """Time from the request to an answer that says `completed`, less the judge's own time."""
    learner = await new_learner(up)
    connection = await Connection.open(up.api_url, up.api_key)
    rubric = _rubric()
    added: list[float] = []
    for number, conversation in enumerate(islice(cycle(conversations), 2 * SINGLE)):
        if number == SINGLE:  # the first half opened connections and filled caches
            await settled(up)
            await quiet(descendants(up.pids["supervisor"]))
            added.clear()
        started = time.perf_counter()
        await _scored(connection, {"conversation": _unnamed(conversation), "learner_id": learner})
        took = time.perf_counter() - started
        started = time.perf_counter()
        judge(transcript(conversation), rubric)
        added.append(1000 * (took - (time.perf_counter() - started)))
    report.add("scoring.e2e_added_p50_ms", percentile(added, 0.5), "ms")
    report.add("scoring.e2e_added_p95_ms", percentile(added, 0.95), "ms", 100)


def _unnamed(conversation: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in conversation.items() if name != "external_id"}


async def _scored(connection: Connection, body: dict[str, Any]) -> None:
    scoring = await connection.post("/v1/scorings", body, 202)
    while scoring["status"] != "completed":
        if scoring["status"] not in {"queued", "running"}:
            raise HttpError(msgspec.json.encode(scoring).decode())
        await asyncio.sleep(POLL_S)
        _, scoring = await connection.request("GET", f"/v1/scorings/{scoring['id']}")


def grow(report: Report, _data_dir: Path) -> None:
    """Feed one command tiny conversations; it reads no further ahead than it works."""
    arguments = [*_SCORE, "-", "--out", "-", "--workers", str(WORKERS), "--quiet", "--strict"]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        if process.stdin is None:
            raise ProductError("rapport score has no input")
        started = time.perf_counter()
        source = tiny(TINY)
        _feed(process.stdin, islice(source, SETTLED))
        before = pss_mb(descendants(process.pid))
        _feed(process.stdin, source)
        after = pss_mb(descendants(process.pid))
        process.stdin.close()
    if process.returncode:
        raise ProductError("rapport score failed")
    report.add("scoring.tiny_files_per_s", TINY / (time.perf_counter() - started), "1/s")
    report.add("scoring.memory_mb", after, "MB")
    report.add("scoring.memory_growth_mb", after - before, "MB", 20)


def _feed(stream: IO[bytes], conversations: Iterable[dict[str, Any]]) -> None:
    for conversation in conversations:
        stream.write(msgspec.json.encode(conversation) + b"\n")
    stream.flush()

"""The story of `rapport demo`, in the order in which a newcomer wants to see it."""

import asyncio
import secrets
import sys
import time
from io import TextIOWrapper
from pathlib import Path

import msgspec

from infra.demo.checks import DemoError
from infra.demo.client import connect
from infra.demo.part_practice import compare_aloud, practice_aloud, practice_others, repeat
from infra.demo.part_teams import advise, meet_teams, score_outside_call, show_trends
from infra.demo.printing import Page
from infra.demo.record import Record
from infra.demo.telling import FEATURED, Telling
from infra.supervisor import UpFile


def run(up_file: UpFile, data_dir: Path) -> int:
    """Tell the story and write `demo.json`; return 0, or 1 after one line that says what was
    missing.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without these characters shows `?`
    return asyncio.run(_run(up_file, data_dir))


async def _run(up_file: UpFile, data_dir: Path) -> int:
    run_id = f"demo-{secrets.token_hex(4)}"
    record, page = Record(run_id=run_id, api_url=up_file.api_url), Page()
    began = time.perf_counter()
    try:
        async with connect(up_file.api_url, up_file.api_key, run_id) as api:
            await _tell(Telling.begin(api, page, record))
            record.requests = api.requests
        record.ok = True
    except (DemoError, msgspec.DecodeError) as error:
        record.error = str(error)
    record.total_s = round(time.perf_counter() - began, 3)
    path = record.write(data_dir)
    if record.error is not None:
        page.line(page.paint(f"The demo failed: {record.error} (logs: {data_dir / 'log'})", "red"))
        return 1
    _say_goodbye(page, record, path)
    return 0


async def _tell(telling: Telling) -> None:
    page = telling.page
    page.line()
    page.line(page.paint("Rapport: practice hard conversations, and see skills grow.", "bold"))
    page.paragraph(
        "Everything below happens now, on real servers, over the public REST API. No language "
        "model is used: customers, scores and trends are computed.",
        indent=0,
    )
    teams = await meet_teams(telling)
    pair = await practice_aloud(telling, teams)
    compare_aloud(telling, *pair)
    await practice_others(telling, teams, pair)
    await repeat(telling, teams, pair[0])
    await score_outside_call(telling, teams)
    await show_trends(telling, teams)
    await advise(telling, teams)


def _say_goodbye(page: Page, record: Record, path: Path) -> None:
    team_id = record.team_ids["Meadow"]
    page.labeled("make up", "Start everything and stay. It prints the address and a key. Then:")
    page.line()
    for command in (
        f'curl -s "$API/v1/reports/teams/{team_id}/trend" \\',
        '  -H "Authorization: Bearer $KEY"',
        'curl -s "$API/v1/simulations" -H "Authorization: Bearer $KEY" \\',
        '  -H "Idempotency-Key: my-first" -H "Content-Type: application/json" \\',
        f'  -d \'{{"scenario": "{FEATURED}", "mode": "interactive",',
        f'       "learner_id": "{record.learner_id}"}}\'',
    ):
        page.line(f"{' ' * 13}{command}")
    page.line()
    page.labeled("README.md", "A five-minute tour of the API, the rooms and the promises.")
    page.labeled("details", f"{path} holds what this run saw: ids, scores, timings.")
    page.line()
    page.paragraph(
        f"{record.requests} requests in {record.total_s:.1f} s. A customer's reply took "
        f"{record.turn_p50_ms:.0f} ms (median) and {record.turn_p95_ms:.0f} ms (95th percentile) "
        "over HTTP.",
        style="dim",
    )

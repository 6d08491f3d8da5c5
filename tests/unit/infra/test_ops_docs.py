"""The operators' page tells the truth: its scopes, paths, jobs and commands are those of the code."""

import re
from pathlib import Path
from typing import get_args

from infra.cli.main import _parser
from infra.cli.ops import SORTS
from services.api.ops.dead import REPLAYED, TOLD
from services.api.ops.reasons import WORKER
from services.api.ops.stuck_schemas import JobType, Replayed
from services.api.ops.watching import BusySort
from shared.contracts.jobs import JobKind, JobPayload
from shared.ops_keys import OPS_SCOPES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "ops-api.md").read_text(encoding="utf-8")


def _section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_scopes() -> None:
    written = re.findall(r"^\| `(\w+:\w+)` \|", _section("Keys and scopes"), re.MULTILINE)
    assert written == list(OPS_SCOPES)


def test_every_type_of_job_is_told_of_and_decided() -> None:
    tags = {each.__struct_config__.tag for each in get_args(JobPayload)}
    assert set(get_args(JobType)) == tags
    assert set(TOLD) == tags
    rows = [line.split("|") for line in _section("Dead letters").splitlines() if line[:3] == "| `"]
    written = {name: row[3] for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert set(written) == tags
    refused = {name for name, replay in written.items() if "refused" in replay}
    assert refused == tags - set(REPLAYED)
    outcomes = set(re.findall(r"`(\w+)`", _section("Dead letters").split("outcome is")[1]))
    assert set(get_args(Replayed)) <= outcomes


def test_every_lane_has_its_worker() -> None:
    assert set(WORKER) == {each.value for each in JobKind}


def test_commands_can_be_read_as_they_are_written() -> None:
    parser = _parser()
    for command in re.findall(r"`rapport (ops [^`]+)`", _section("On the command line")):
        parser.parse_args(command.replace("...", "x").split()[: 2 if "," in command else None])
    assert get_args(BusySort) == SORTS
    named = re.findall(r"`(\w+)`", PAGE.split("`sort`:")[1].split("|")[0])
    assert tuple(named) == SORTS

"""The guide for partners, followed from top to bottom: every command in it, in one shell."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.devstack.ports import choose_port
from tests.support.product import Product

GUIDE = Path(__file__).resolve().parents[3] / "docs/guides/webhooks"

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)

TIMEOUT_S = 110

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Path]:
    """Where a partner works; whatever the guide starts and leaves behind is ended."""
    shutil.copy(GUIDE / "consumer.py", tmp_path)
    yield tmp_path
    Product(tmp_path / ".rapport").clean_up()


def commands() -> str:
    """Return every command of the guide; the first that fails ends them, and what they started."""
    blocks = BLOCK.findall((GUIDE / "README.md").read_text("utf-8"))
    assert len(blocks) >= 9
    ports = "".join(blocks).replace("8090", str(choose_port()))
    ports = ports.replace('consumer.py "$API"', 'consumer.py "$API" --port ' + _port_in(ports))
    return f"set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n{ports}"


def test_the_guide_works_from_top_to_bottom(desk: Path) -> None:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("RAPPORT_")}
    folder = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "-c", commands()],
        cwd=desk,
        env=inherited
        | {"PATH": f"{folder}:{os.environ['PATH']}", "RAPPORT_API_PORT": str(choose_port())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr + _logs(desk)

    listened = (desk / "listen.txt").read_text().splitlines()
    assert "simulation.started" in listened[1]
    assert listened[1].endswith("verified")
    assert listened[2] == "1 verified, 0 not"
    positions = [int(line.split()[0]) for line in (desk / "handled.txt").read_text().splitlines()]
    with sqlite3.connect(desk / "events.sqlite") as database:
        stored = [row[0] for row in database.execute("select position from events")]
    database.close()
    assert sorted(positions) == sorted(stored) == list(range(1, max(stored) + 1))
    assert '"status":"pending"' in (desk / "resent.json").read_text()
    assert '"next_since":null' in (desk / "recovered.json").read_text()


def _port_in(text: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", text)
    assert found is not None
    return found[1]


def _logs(desk: Path) -> str:
    shown = [desk / "handled.txt", desk / "up.log", *sorted((desk / ".rapport/log").glob("*.log"))]
    return "".join(
        f"\n== {path.name}\n{path.read_text(errors='replace')[-2000:]}"
        for path in shown
        if path.exists()
    )

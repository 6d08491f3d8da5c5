"""What libraries log, without anybody's words. [R-C14]"""

import json
import subprocess
import sys

import pytest

from shared.redaction.logs import MOST, masked

SAID = "my zqvwword"


@pytest.mark.parametrize(
    "error", [ValueError(SAID), OSError(7, SAID), ExceptionGroup(SAID, [ValueError(SAID)])]
)
def test_what_an_exception_says_is_left_out(error: Exception) -> None:
    found = masked(f"Task exception was never retrieved\nfuture: <Task done exception={error!r}>")
    assert SAID not in found
    assert type(error).__name__ in found
    assert found.startswith("Task exception was never retrieved")


def test_personal_data_becomes_marks() -> None:
    found = masked("cannot deliver to bibi@example.com from 203.0.113.7, card 4111 1111 1111 1111")
    assert "bibi@" not in found
    assert "4111" not in found
    assert found.startswith("cannot deliver to [EMAIL_1]")


def test_plain_words_stay_and_long_ones_end() -> None:
    assert masked("Invalid HTTP request received.") == "Invalid HTTP request received."
    assert len(masked("x " * MOST)) <= MOST


SCRIPT = """
import asyncio, logging
from shared.log import configure
configure("test")
async def main():
    async def fails(): raise ValueError("my zqvwword, bibi@example.com")
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
asyncio.run(main())
logging.getLogger("library").warning("no route to %s", "bibi@example.com")
"""


def test_a_process_logs_neither() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["logger"] for line in lines} == {"asyncio", "library"}
    assert "zqvwword" not in done.stderr
    assert "bibi@" not in done.stderr

"""Runs the test suite as two processes side by side: most tests wait for a server, not a processor.

Each half starts a stack of its own. The first one's output is shown as it comes, the second one's
after it.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import IO, Final

HALVES: Final = (
    ("tests/contract", "tests/e2e", "tests/workflows"),
    ("tests/integration", "tests/unit", "tests/wire"),
)
"""About equally long; every folder with tests is in one of them."""

_NO_TESTS: Final = 5
"""What pytest exits with when nothing was selected."""


def _start(
    folders: Sequence[str], options: Sequence[str], output: IO[str] | None
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *folders, *options], stdout=output, stderr=output
    )


def run(options: Sequence[str]) -> int:
    """Run both halves with these options of pytest; return 0 when every test of both passed."""
    with tempfile.TemporaryFile("w+") as output:
        shown, told_later = _start(HALVES[0], options, None), _start(HALVES[1], options, output)
        try:
            codes = [shown.wait(), told_later.wait()]
        finally:
            for process in (shown, told_later):
                if process.poll() is None:  # interrupted: pytest stops what it started
                    process.wait()
            output.seek(0)
            sys.stdout.write(output.read())
            sys.stdout.flush()
    return max((0 if code == _NO_TESTS else abs(code) for code in codes), default=0)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

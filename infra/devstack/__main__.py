"""`python -m infra.devstack start`: the three servers in the foreground until Ctrl-C."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final

from infra.devstack.errors import DevstackError
from infra.devstack.stack import Stack

DEFAULT_DATA_DIR: Final = Path(".rapport")
"""In the directory the tool is called from."""
WATCH_S: Final = 0.5
"""How often the foreground looks for dead servers."""


def main(arguments: list[str] | None = None) -> int:
    """Run the tool and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.devstack", description=__doc__)
    parser.add_argument("command", choices=["start"])
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR)
    parser.add_argument("--fast", action="store_true", help="no fsync; for tests")
    parser.add_argument("--nats-monitor", action="store_true", help="NATS monitoring pages")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    stack = Stack(
        options.data_dir,
        os.environ,
        durable=not options.fast,
        nats_monitor=options.nats_monitor,
    )
    try:
        with stack:
            _announce(stack)
            return _watch(stack)
    except DevstackError as error:
        print(f"rapport: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _announce(stack: Stack) -> None:
    print(f"RAPPORT_DATABASE_URL={stack.database_url}")
    print(f"RAPPORT_NATS_URL={stack.nats_url}")
    print(f"RAPPORT_TEMPORAL_ADDRESS={stack.temporal_address}", flush=True)


def _watch(stack: Stack) -> int:
    while not (dead := stack.dead()):
        time.sleep(WATCH_S)
    raise DevstackError(f"{', '.join(dead)} ended unexpectedly; see the directory log")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

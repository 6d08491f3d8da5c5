"""`python -m infra.dashboards [--check]`: write the files, or say which are not as they should."""

import argparse
import sys
from pathlib import Path

from infra.dashboards.files import DEPLOY, files


def main() -> int:
    """Write or compare; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.dashboards")
    parser.add_argument("--check", action="store_true", help="only compare")
    is_check = parser.parse_args().check
    stale = [name for name, content in files().items() if not _is(DEPLOY / name, content)]
    for name in stale:
        if is_check:
            sys.stderr.write(f"{DEPLOY / name} is not what infra/dashboards makes\n")
        else:
            (DEPLOY / name).parent.mkdir(parents=True, exist_ok=True)
            (DEPLOY / name).write_bytes(files()[name])
    return 1 if is_check and stale else 0


def _is(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content


if __name__ == "__main__":
    sys.exit(main())

"""`python -m infra.checks`: print every violation, exit 1 when there is one."""

import sys
from pathlib import Path

from infra.checks import workflow_fingerprints
from infra.checks.repository import check_repository

ROOT: Path = Path(__file__).resolve().parent.parent.parent
UPDATE = "--update-fingerprints"


def main(arguments: list[str]) -> int:
    """Check the repository; with `--update-fingerprints`, take the workflows as the new baseline.

    Returns:
        The exit code: 0 clean, 1 violations, 2 unknown arguments.
    """
    if arguments == [UPDATE]:
        workflow_fingerprints.update(ROOT)
        print(f"updated {workflow_fingerprints.BASELINE}")
        return 0
    if arguments:
        print(f"unknown arguments; the only one is {UPDATE}", file=sys.stderr)
        return 2
    violations = check_repository(ROOT)
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

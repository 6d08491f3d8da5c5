"""`python -m infra.checks`: print every violation, exit 1 when there is one."""

import sys
from pathlib import Path

from infra.checks import schema_names, workflow_fingerprints
from infra.checks.repository import check_repository

ROOT: Path = Path(__file__).resolve().parent.parent.parent
UPDATES = {
    "--update-fingerprints": workflow_fingerprints,
    "--update-schema": schema_names,
}
"""What writes a committed baseline anew."""


def main(arguments: list[str]) -> int:
    """Check the repository; with an update, take what is there as the new baseline instead.

    Returns:
        The exit code: 0 clean, 1 violations, 2 unknown arguments.
    """
    if arguments and not set(arguments) <= UPDATES.keys():
        print(f"unknown arguments; there are {', '.join(UPDATES)}", file=sys.stderr)
        return 2
    for argument in arguments:
        UPDATES[argument].update(ROOT)
        print(f"done: {argument}")
    if arguments:
        return 0
    violations = check_repository(ROOT)
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

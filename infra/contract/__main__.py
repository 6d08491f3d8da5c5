"""`python -m infra.contract`: write, check, release, record, lint."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from infra.contract.breaking import breaks, is_newer
from infra.contract.built import COMMITTED, RELEASED, build, newest_release, skeleton
from infra.contract.linting import LintError, lint
from infra.contract.recording import record
from infra.contract.tour import TourError
from shared.log import configure

KEY_VARIABLE = "RAPPORT_API_KEY"


def _write(_: argparse.Namespace) -> int:
    COMMITTED.write_bytes(build())
    return 0


def _check(options: argparse.Namespace) -> int:
    old = msgspec.json.decode((options.base or newest_release()).read_bytes())
    new = msgspec.json.decode(build())
    found = [] if is_newer(old, new) else breaks(old, new)
    for each in found:
        sys.stderr.write(f"{each.rule}: {each.where}: {each.detail}\n")
    return 1 if found else 0


def _release(_: argparse.Namespace) -> int:
    document = msgspec.json.decode(build())
    RELEASED.mkdir(exist_ok=True)
    (RELEASED / f"{document['info']['version']}.json").write_bytes(skeleton(document))
    return 0


def _record(options: argparse.Namespace) -> int:
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        sys.stderr.write(f"rapport: put an API key of a fresh tenant into {KEY_VARIABLE}\n")
        return 1
    try:
        record(options.url, key)
    except TourError as error:
        sys.stderr.write(f"rapport: {error}\n")
        return 1
    return 0


def _lint(options: argparse.Namespace) -> int:
    try:
        findings = lint(options.document)
    except LintError as error:
        sys.stderr.write(f"rapport: {error}\n")
        return 1
    for each in findings:
        sys.stderr.write(f"{each}\n")
    return 1 if findings else 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "write": _write,
    "check": _check,
    "release": _release,
    "record": _record,
    "lint": _lint,
}


def main() -> int:
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.contract")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("write", help="write docs/openapi.json as the app serves it")
    check = commands.add_parser("check", help="name what breaks clients of a released version")
    check.add_argument("base", nargs="?", type=Path, help="default: the last one in docs/openapi")
    commands.add_parser("release", help="keep the present contract as a released version")
    recorder = commands.add_parser("record", help=f"record the examples; key in {KEY_VARIABLE}")
    recorder.add_argument("url", help="address of a running API, with a tenant without any data")
    linter = commands.add_parser("lint", help="Redocly and Spectral over the committed document")
    linter.add_argument("document", nargs="?", type=Path, default=COMMITTED)
    options = parser.parse_args()
    configure("contract", "warning")
    return COMMANDS[options.command](options)


if __name__ == "__main__":
    sys.exit(main())

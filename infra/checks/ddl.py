"""Which DDL may run while the product serves: every migration since the lint, read by squawk.

Squawk is a development dependency (one binary); it knows what locks a statement takes and what old
processes do not survive.
"""

import subprocess
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from infra.checks.source import Violation

FOLDER: Final = "infra/migrations"
RULE: Final = "unsafe-ddl"
FIRST: Final = "0034"
"""Migrations before it are part of the first release: nobody ran them under load."""

OUTSIDE: Final = "-- outside a transaction"
"""First line of a file that the runner applies statement by statement."""

SHOWN: Final = 60
"""Characters of a line that tell a statement from others of its file."""

LEFT_OUT: Final = {
    "prefer-robust-stmts": "each file is one transaction and applied once: nothing is run twice",
    "require-lock-timeout": "the runner sets it, and tries again",
    "require-statement-timeout": "the runner sets it",
    "prefer-bigint-over-int": "integers here are bounded by a check or count within one resource",
    "prefer-bigint-over-smallint": "as above",
}
"""Rules of squawk that do not apply here, and why."""

_EMPTY: Final = "the column is new: the index is empty, and few keys there are to look through"
_BY_WIDER: Final = (
    "widened by the next statement of the same transaction; nothing is refused that was not"
)

REVIEWED: Final = {
    (
        "0034_tenant_limits.sql",
        "ban-drop-constraint",
        "alter table app.tenants drop constraint tenants_status_check",
    ): _BY_WIDER,
    (
        "0034_tenant_limits.sql",
        "constraint-missing-not-valid",
        "alter table app.tenants validate constraint tenants_status_c",
    ): "one row per tenant: milliseconds",
    (
        "0037_access.sql",
        "constraint-missing-not-valid",
        "add constraint api_keys_previous check ((previous_hash is nu",
    ): "a few keys per tenant: milliseconds",
    (
        "0037_access.sql",
        "require-concurrent-index-creation",
        "create index api_keys_users on app.api_keys (tenant_id, user",
    ): _EMPTY,
    (
        "0037_access.sql",
        "require-concurrent-index-creation",
        "create index api_keys_ending on app.api_keys (expires_at)",
    ): "a few keys per tenant: milliseconds",
    (
        "0039_erasure.sql",
        "ban-drop-constraint",
        "alter table app.operations drop constraint operations_kind_c",
    ): _BY_WIDER,
    **{
        ("0046_tenant_exports.sql", "ban-drop-constraint", f"drop constraint if exists {name},"): (
            "widened by the same statement; nothing is refused that was not"
        )
        for name in (
            "operations_kind_check",
            "privacy_tasks_kind_check",
            "privacy_tasks_check1",
            "privacy_tasks_learner",
        )
    },
}
"""Reviewed findings by file, rule and line, and why they are safe under load."""


class _Finding(msgspec.Struct, frozen=True):
    """What squawk says of one statement; lines count from 0."""

    file: str
    line: int
    message: str
    rule_name: str


def check(root: Path) -> Iterator[Violation]:
    """Lint the migrations of a checkout; reviewed statements that are gone are told as well."""
    found: set[tuple[str, str, str]] = set()
    for inside, paths in _by_transaction(root):
        for finding in _squawk(root, paths, in_transaction=inside):
            path = Path(finding.file)
            line = _line(root / path, finding.line)
            key = (path.name, finding.rule_name, line)
            found.add(key)
            if key not in REVIEWED:
                message = f"{finding.rule_name}: {finding.message} `{line}`"
                yield Violation(path.as_posix(), finding.line + 1, RULE, message)
    names = {path.name for path in (root / FOLDER).glob("*.sql")}
    for name, rule, line in sorted(REVIEWED.keys() - found):
        if name in names:
            yield Violation(f"{FOLDER}/{name}", 1, RULE, f"needs no exception: {rule} `{line}`")


def _by_transaction(root: Path) -> Iterator[tuple[bool, list[Path]]]:
    paths = [path for path in sorted((root / FOLDER).glob("*.sql")) if path.name >= FIRST]
    outside = {path for path in paths if path.read_text(encoding="utf-8").startswith(OUTSIDE)}
    yield True, [path.relative_to(root) for path in paths if path not in outside]
    yield False, [path.relative_to(root) for path in paths if path in outside]


def _squawk(root: Path, paths: Iterable[Path], *, in_transaction: bool) -> list[_Finding]:
    """Return what it finds.

    Raises:
        OSError: squawk is not installed, or did not understand us.
    """
    if not (files := [str(path) for path in paths]):
        return []
    program = Path(sysconfig.get_path("scripts")) / "squawk"
    rules = [f"--exclude={rule}" for rule in LEFT_OUT]
    mode = ["--assume-in-transaction"] if in_transaction else []
    ran = subprocess.run(
        [program, "--reporter=json", "--pg-version=18.0", *mode, *rules, *files],
        cwd=root,
        capture_output=True,
        check=False,
        timeout=60,
    )
    try:
        return msgspec.json.decode(ran.stdout, type=list[_Finding])
    except msgspec.MsgspecError as error:
        raise OSError(f"squawk: {ran.stderr.decode(errors='replace')[:500]}") from error


def _line(path: Path, line: int) -> str:
    return path.read_text(encoding="utf-8").splitlines()[line].strip()[:SHOWN].rstrip()

"""One row of a file, opened, and how it is written."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

import asyncpg
import msgspec

from services.api.fields import public
from shared.contracts.scoring import FormResult, RootScore, SkillScore
from shared.db.sealed import TenantKey
from shared.ids import format_id

Format = Literal["csv", "ndjson"]

MEDIA_TYPES: Final[Mapping[Format, str]] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "ndjson": "application/x-ndjson",
}

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is computed by spreadsheets; an apostrophe in front makes it text."""


class _Numbers(msgspec.Struct):
    """What a file needs of a result; the rest is skipped unread."""

    skills: tuple[SkillScore, ...]
    roots: tuple[RootScore, ...] = ()
    form: FormResult | None = None


_NUMBERS: Final = msgspec.json.Decoder(_Numbers)


class ExportRow(msgspec.Struct, frozen=True, kw_only=True):
    """The revision of one conversation that counts, with its numbers."""

    assessment_id: str
    scoring_id: str
    simulation_id: str | None
    conversation_id: str | None
    conversation_external_id: str | None
    """Your own id of the conversation."""
    learner_id: str
    learner_external_id: str | None
    """Your own id of the person; null once they were erased."""
    team_id: str | None
    """The team the person was in on that day."""
    scenario: str | None
    """Slug."""
    rubric: str
    """Slug."""
    rubric_version: int
    source: str
    status: Literal["scored", "not_scored"]
    """`not_scored`: too little could be observed."""
    overall: int | None
    passed: bool | None
    """Against the rubric's target."""
    revision: int
    origin: str
    """`judge` or `human`."""
    occurred_at: datetime
    created_at: datetime
    """Of the revision."""
    roots: dict[str, int]
    """Scores by root of the taxonomy."""
    skills: dict[str, int]
    """Scores by skill."""


FIXED: Final = tuple(
    field.name
    for field in msgspec.structs.fields(ExportRow)
    if field.name not in {"roots", "skills"}
)
"""Columns before those of roots and skills."""


def opened(row: asyncpg.Record, tenant: TenantKey, hidden: frozenset[str]) -> ExportRow:
    """Return the row behind a record; of erased people the numbers that are not sealed."""
    numbers = _Numbers(skills=())
    names: tuple[str | None, str | None] = (None, None)
    if row["wrapped"] is not None:
        key = tenant.learner_key(row["learner_id"], row["wrapped"])
        place = row["assessment_id"].bytes
        numbers = _NUMBERS.decode(key.open(row["result"], "assessments.result", place))
        external_id, called = row["external_id"], row["conversation_external_id"]
        names = (
            key.open_text(external_id, "learners.external_id", row["learner_id"].bytes),
            called
            and key.open_text(called, "conversations.external_id", row["conversation_id"].bytes),
        )
    return ExportRow(
        assessment_id=format_id("asm", row["assessment_id"]),
        scoring_id=format_id("scr", row["scoring_id"]),
        simulation_id=public("sim", row["simulation_id"]),
        conversation_id=public("conv", row["conversation_id"]),
        conversation_external_id=names[1],
        learner_id=format_id("lrn", row["learner_id"]),
        learner_external_id=names[0],
        team_id=public("team", row["team_id"]),
        scenario=row["scenario"],
        rubric=row["rubric"],
        rubric_version=row["rubric_version"],
        source=row["source"],
        status="not_scored" if row["overall"] is None else "scored",
        overall=row["overall"],
        passed=None if numbers.form is None else numbers.form.passed,
        revision=row["revision"],
        origin=row["origin"],
        occurred_at=row["occurred_at"].astimezone(UTC),
        created_at=row["created_at"].astimezone(UTC),
        roots={each.root: each.score for each in numbers.roots if each.score is not None},
        skills={
            each.skill: each.score
            for each in numbers.skills
            if each.score is not None and each.skill not in hidden
        },
    )


class CsvWriter:
    """Rows as RFC 4180: a header, commas, CRLF, quotes where they are needed, UTF-8."""

    def __init__(self, roots: Sequence[str], skills: Sequence[str]) -> None:
        self._roots, self._skills = roots, skills

    def header(self) -> bytes:
        """Return the first line."""
        columns = [*FIXED, *(f"root.{each}" for each in self._roots)]
        return _line([*columns, *(f"skill.{each}" for each in self._skills)])

    def lines(self, rows: Iterable[ExportRow]) -> bytes:
        """Return a line per row."""
        return b"".join(map(self._row, rows))

    def _row(self, row: ExportRow) -> bytes:
        cells = [_cell(getattr(row, name)) for name in FIXED]
        cells += [_cell(row.roots.get(each)) for each in self._roots]
        cells += [_cell(row.skills.get(each)) for each in self._skills]
        return _line(cells)


class JsonWriter:
    """Rows as JSON, one per line, texts exactly as they were sent."""

    def header(self) -> bytes:
        """Return nothing: every line names its fields."""
        return b""

    def lines(self, rows: Iterable[ExportRow]) -> bytes:
        """Return a line per row."""
        return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
        case str() if value.startswith(FORMULA):
            return f"'{value}"
        case _:
            return str(value)

"""Answers that are files: their media types, and what each holds."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = dict[str, Any]

FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "export_assessments": ("text/csv", "application/x-ndjson"),
    "export_audit_log": ("application/x-ndjson",),
    "get_team_chart": ("image/svg+xml", "image/png", "application/vnd.vegalite.v6+json"),
    "get_heatmap_chart": ("image/svg+xml", "image/png", "application/vnd.vegalite.v6+json"),
    "get_team_table": ("text/csv", "application/vnd.apache.parquet"),
    "get_learner_export_file": ("application/zip",),
    "get_tenant_export_file": ("application/zip",),
    "get_report_export_file": (
        "text/csv",
        "application/x-ndjson",
        "application/vnd.apache.parquet",
    ),
}
"""Media types of answers that are files, by operation; texts begin with that of the examples."""

ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    "get_team_page": ("text/html", "application/pdf"),
    "get_report_document": ("text/html", "application/pdf"),
}
"""Media types of files that an operation may answer with in place of JSON."""

MAX_STREAM: Final = 2**31 - 1
"""Characters of a stream: no bound that a client could plan with."""

_BYTES: Final = frozenset(
    {"image/png", "application/pdf", "application/vnd.apache.parquet", "application/zip"}
)


def files(kinds: Sequence[str], examples: Json) -> Json:
    """Return the content of an answer that is a file of one of these kinds; examples by title."""
    objects = {name: each for name, each in examples.items() if isinstance(each["value"], dict)}
    texts = {name: each for name, each in examples.items() if name not in objects}
    content: Json = {}
    for kind in kinds:
        shown, content[kind] = (objects if kind.endswith("+json") else texts), _file(kind)
        if kind not in _BYTES and shown:
            content[kind]["examples"] = shown
            if shown is texts:
                texts = {}
    return content


def _file(kind: str) -> Json:
    if kind.endswith("+json"):
        name = {"type": "string", "maxLength": 200}
        return {
            "schema": {"type": "object", "properties": {"$schema": name}, "required": ["$schema"]}
        }
    schema: Json = {"type": "string", "maxLength": MAX_STREAM}
    return {"schema": schema | ({"format": "binary"} if kind in _BYTES else {})}

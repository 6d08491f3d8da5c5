"""Writes the catalogue in `docs/events.md` anew: `python -m tests.support.event_docs`."""

from pathlib import Path

import msgspec

from services.api.events.catalog import event_example, meaning
from services.api.openapi.meanings import field_meanings, plain
from shared.contracts.event_catalog import CATALOG, About
from shared.contracts.events import EventType

PAGE = Path(__file__).resolve().parents[2] / "docs/events.md"

BEGIN, END = "<!-- catalogue:begin -->\n", "<!-- catalogue:end -->\n"

_ENVELOPE = frozenset(About.__struct_fields__)


def catalogue() -> str:
    """Return the generated part: one section per type."""
    return "".join(_section(each) for each in CATALOG)


def page_with(generated: str) -> str:
    """Return the page with this part in place of the one it has."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    return before + BEGIN + generated + END + rest.split(END)[1]


def _section(event_type: EventType) -> str:
    kind = CATALOG[event_type]
    meanings = field_meanings(kind.data)
    rows = "".join(
        f"- `{field.encode_name}`{_optional(field)}{_told(meanings.get(field.name, ''))}\n"
        for field in msgspec.structs.fields(kind.data)
        if field.name not in _ENVELOPE
    )
    example = msgspec.json.format(msgspec.json.encode(event_example(event_type)), indent=2)
    return (
        f"### {event_type.value}\n\n{meaning(event_type)} About {_words(kind.resource)}.\n\n"
        + (f"{rows}\n" if rows else "")
        + f"```json\n{example.decode()}\n```\n\n"
    )


def _optional(field: msgspec.structs.FieldInfo) -> str:
    return "" if field.required else " (may be absent or null)"


def _told(text: str) -> str:
    return f": {plain(text)}" if text else ""


def _words(resource: str) -> str:
    words = resource.replace("_", " ")
    return f"an {words}" if words[0] in "aeio" else f"a {words}"


if __name__ == "__main__":
    PAGE.write_text(page_with(catalogue()), "utf-8")

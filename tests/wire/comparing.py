"""What makes two releases unable to run side by side, read off the shapes of what they send."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.wire.limits import tightened

_TRANSFER: Final = (
    "one report; the old question gave single people away and is refused on purpose. While an old API"
    " runs beside a new reporting, that report answers 400"
)

_UNTIL: Final = "reporting is replaced before the API, so a new API never reads an old answer"

REVIEWED: Final[dict[str, str]] = {
    **{
        f"shared.contracts.reports.outcomes.TransferQuery.{field}": _TRANSFER
        for field in ("start", "middle", "end", "quarter")
    },
    "shared.contracts.reports.practice.TeamSkill.until": _UNTIL,
}
"""Differences that were looked at, and why the last release gets along with them."""


def reviewed(shapes: Mapping[str, Any]) -> set[str]:
    """Return the structs with a reviewed difference, and those that hold one."""
    found = {name for name in shapes if any(one.startswith(f"{name}.") for one in REVIEWED)}
    while True:
        short = {name.rpartition(".")[2] for name in found}
        more = {
            name
            for name, each in shapes.items()
            for field in each["shape"]["fields"].values()
            if short & set(re.findall(r"\w+", field["type"]))
        }
        if more <= found:
            return found
        found |= more


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield what breaks: old data for new readers, or new data for old readers."""
    for name, released in old.items():
        if name not in new:
            yield f"{name}: gone; old processes still send it"
        else:
            yield from _struct(name, released["shape"], new[name]["shape"])


def _struct(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old["tag"] != new["tag"]:
        yield f"{name}: tag was {old['tag']}, is {new['tag']}"
    if new["forbids_unknown"] and not old["forbids_unknown"]:
        yield f"{name}: refuses fields that a later release adds"
    was, now = old["fields"], new["fields"]
    for field in was.keys() - now.keys():
        if was[field]["required"]:
            yield f"{name}.{field}: gone; old readers cannot do without it"
    for field in now.keys() - was.keys():
        if now[field]["required"]:
            yield f"{name}.{field}: new and required; old senders do not send it"
        elif old["forbids_unknown"]:
            yield f"{name}.{field}: new; old readers refuse what they do not know"
    for field in was.keys() & now.keys():
        yield from _field(f"{name}.{field}", was[field], now[field])


def _field(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old["type"] != new["type"]:
        yield f"{name}: was {old['type']}, is {new['type']}"
    was, now = old.get("limits", {}), new.get("limits", {})
    for limit in tightened(was, now):
        yield f"{name}: {limit}; old senders may send what is refused now"
    for limit in tightened(now, was):
        yield f"{name}: {limit}, for old readers; they refuse what may be sent now"
    if old["required"] and not new["required"]:
        yield f"{name}: may be left out now; old readers cannot do without it"
    if new["required"] and not old["required"]:
        yield f"{name}: required now; old senders may leave it out"

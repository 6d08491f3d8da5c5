"""What clients did and were told, and whether the state that is left can explain it.

In the manner of Jepsen: each try is an invocation with one of three outcomes. A connection that
broke tells nothing (`unknown`): the work may have been accepted. Clients repeat such tries with the
same key until they are told, so in the end each key has one effect or none.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

Outcome = Literal["ok", "refused", "unknown"]

LADDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "simulations": ("open", "ended", "scored"),
    "scorings": ("queued", "running", "completed"),
    "operations": ("queued", "running", "succeeded"),
}
"""By the collection of a path: the order in which a resource's statuses may be seen."""


class Try(NamedTuple):
    """One request of a client that would have an effect."""

    key: str
    """The `Idempotency-Key`."""
    path: str
    outcome: Outcome
    resource: str = ""
    """What an ok try made: its public id, or simulation and seq of a turn."""


class Seen(NamedTuple):
    """A status that a client was told."""

    path: str
    """Of the resource, for example `/v1/scorings/scr_...`."""
    status: str


class History:
    """Tries and sights, in the order in which their answers came."""

    def __init__(self) -> None:
        self.tries: list[Try] = []
        self.sights: list[Seen] = []

    def check(self, stored: Mapping[str, Iterable[str]]) -> list[str]:
        """Return everything that cannot be explained; empty: all is well.

        Args:
            stored: what is there after healing: ids by the path that makes them.
        """
        effects = self._effects()
        return [*self._keys(effects), *_resources(effects, stored), *self._backwards()]

    def _effects(self) -> dict[str, dict[str, set[str]]]:
        """Return what was made, by path and key."""
        found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for each in self.tries:
            made = found[each.path][each.key]
            if each.outcome == "ok":
                made.add(each.resource)
        return found

    def _keys(self, effects: Mapping[str, Mapping[str, set[str]]]) -> list[str]:
        return [
            f"{path}: key {key} made {sorted(made)}"
            for path, by_key in effects.items()
            for key, made in by_key.items()
            if len(made) > 1
        ]

    def _backwards(self) -> list[str]:
        faults, before = [], {}
        for path, status in self.sights:
            ladder = LADDERS[path.split("/")[2]]
            if status not in ladder:
                faults.append(f"{path}: {status}")
                continue
            step = ladder.index(status)
            if step < before.get(path, 0):
                faults.append(f"{path}: {status} after {ladder[before[path]]}")
            before[path] = max(step, before.get(path, 0))
        return faults


def _resources(
    effects: Mapping[str, Mapping[str, set[str]]], stored: Mapping[str, Iterable[str]]
) -> list[str]:
    faults = []
    for path, kept in stored.items():
        there = list(kept)
        by_key = effects.get(path, {})
        accepted = {one for made in by_key.values() for one in made}
        open_keys = sum(not made for made in by_key.values())
        faults += [f"{path}: {one} was accepted and is lost" for one in sorted(accepted - {*there})]
        faults += [f"{path}: {one} is there twice" for one in {*there} if there.count(one) > 1]
        extra = {*there} - accepted
        if len(extra) > open_keys:
            faults.append(f"{path}: {len(extra)} were made by {open_keys} keys: {sorted(extra)}")
    return faults

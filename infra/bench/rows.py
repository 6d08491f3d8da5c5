"""Rows of the report: the table on the terminal and `.rapport/bench.json`."""

from pathlib import Path
from typing import Literal

import msgspec

Bound = Literal["most", "least"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One number; a floor has no target and is always ok."""

    value: float
    unit: str
    target: float | None
    ok: bool


class Report:
    """Collects rows, prints each as it comes."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def add(
        self, name: str, value: float, unit: str, target: float | None = None, bound: Bound = "most"
    ) -> None:
        """Add a row; `bound` says on which side of the target the value must stay."""
        value = round(value, 3)
        is_ok = target is None or (value <= target if bound == "most" else value >= target)
        self.rows[name] = Row(value=value, unit=unit, target=target, ok=is_ok)
        sign = "<=" if bound == "most" else ">="
        goal = "floor" if target is None else f"{sign} {target:g}"
        mark = "" if target is None else ("ok" if is_ok else "MISSED")
        print(f"{name:34} {value:>10.3f} {unit:6} {goal:>10}  {mark}", flush=True)

    def write(self, path: Path) -> None:
        """Merge the rows into the file, so that `ONLY=` keeps the other groups."""
        known: dict[str, Row] = {}
        if path.exists():
            known = msgspec.json.decode(path.read_bytes(), type=dict[str, Row])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(known | self.rows)))


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` (0..1) of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

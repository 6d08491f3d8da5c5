"""Golden answers: what each version of the API shows, committed under `tests/golden/api`.

`python -m tests.support.api_golden` writes the files that are missing. A file that is there is what
partners were promised: it never changes. Fields may join an answer, as versioning.md says.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from services.api.batches.schemas import BatchView
from services.api.operations.repository import Operation
from services.api.operations.schemas import OperationView
from services.api.paging import Page
from services.api.scorings.batch_schemas import ScoringBatchView
from services.api.versions.changes import VERSIONS
from services.api.versions.transform import Transformer

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "api"

OPERATION: Final = Operation(
    operation_id=UUID("01936b2e-7a1c-7cc0-8f2a-3d5e6f708192"),
    kind="simulation_batch",
    status="running",
    is_scored=True,
    total=8,
    played=5,
    scored=4,
    failed=1,
    created_at=datetime(2026, 11, 1, 9, 0, tzinfo=UTC),
    started_at=datetime(2026, 11, 1, 9, 0, 1, tzinfo=UTC),
    ended_at=None,
    expires_at=datetime(2026, 12, 1, 9, 0, tzinfo=UTC),
)


def answers() -> dict[str, tuple[Any, Any]]:
    """Return type and body of the answers by the name of their file."""
    view = OperationView.of(OPERATION)
    return {
        "operation": (OperationView, view),
        "operations": (Page[OperationView], Page(data=[view, view], next_cursor=None)),
        "simulation_batch": (BatchView, BatchView.of(OPERATION, [], {})),
        "scoring_batch": (ScoringBatchView, ScoringBatchView.of(OPERATION, [])),
    }


def rendered(version: str) -> dict[str, str]:
    """Return the answers as a version shows them, by the name of their file."""
    return {
        f"{name}.json": _text(Transformer([kind]).older(body, version))
        for name, (kind, body) in answers().items()
    }


def lost(kept: Any, shown: Any, place: str = "") -> list[str]:
    """Return the places where an answer no longer shows what it showed; new fields lose nothing."""
    if isinstance(kept, dict) and isinstance(shown, dict):
        return [
            each
            for name in kept
            for each in lost(kept[name], shown.get(name, "(gone)"), f"{place}/{name}")
        ]
    if isinstance(kept, list) and isinstance(shown, list) and len(kept) == len(shown):
        pairs = zip(kept, shown, strict=True)
        return [x for n, (old, new) in enumerate(pairs) for x in lost(old, new, f"{place}/{n}")]
    return [] if kept == shown else [place]


def _text(body: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n"


def main() -> None:
    """Write the files of versions that have none yet."""
    for version in VERSIONS:
        (FOLDER / version).mkdir(parents=True, exist_ok=True)
        for name, text in rendered(version).items():
            path = FOLDER / version / name
            if not path.exists():
                path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Golden traces: what the engine does in one conversation per scenario and profile, committed.

`python -m tests.support.golden` writes them anew. A difference is a change of behavior that every
customer would see: it needs a reason, and an entry in the changelog.
"""

from pathlib import Path
from typing import Any

import msgspec

from services.sim_worker.engine.playing import Trace, play_profile
from shared.contracts.scenario import ScenarioSpec
from shared.library import load_scenarios

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "persona"
PROFILES = ("skilled", "rude")
SEED = 7


def outline(trace: Trace) -> dict[str, Any]:
    """Return what was decided in a conversation, without any wording."""
    turns = []
    for exchange in trace.exchanges:
        move, mind = exchange.move, exchange.move.state.mind
        turns.append(
            {
                "acts": sorted({span.act.value for span in move.acts}),
                "mind": [*msgspec.structs.astuple(mind)],
                "surface": move.surface.value,
                "opened": list(move.opened),
            }
        )
    return {
        "turns": turns,
        "end_reason": trace.end_reason.value,
        "resolution": trace.state.resolution,
        "facts": list(trace.state.open_facts),
        "steps": list(trace.state.done_steps),
    }


def golden(scenario: ScenarioSpec) -> dict[str, Any]:
    """Return the outlines of a scenario."""
    return {name: outline(play_profile(scenario, name, seed=SEED)) for name in PROFILES}


def text_of(outlines: dict[str, Any]) -> str:
    """Return the file's text: one line per turn."""
    parts = []
    for name, one in outlines.items():
        turns = ",\n".join("   " + msgspec.json.encode(turn).decode() for turn in one["turns"])
        rest = {key: value for key, value in one.items() if key != "turns"}
        tail = msgspec.json.encode(rest).decode()[1:]
        parts.append(f' "{name}": {{"turns": [\n{turns}],\n  {tail}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Write every file anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for scenario in load_scenarios():
        (FOLDER / f"{scenario.slug}.json").write_text(text_of(golden(scenario)))


if __name__ == "__main__":
    main()

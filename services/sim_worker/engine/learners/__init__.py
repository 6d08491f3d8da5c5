"""Scripted learners for autopilot runs, batches, tests and the demo.

They know general technique and what a scenario shows in public (brief, case, titles of steps,
solutions and of what is forbidden), hear the mood, and remember what was said. They do not know
the rules by which facts open or solutions are taken.
"""

from collections.abc import Callable, Mapping, Sequence

from services.sim_worker.engine.learners.attacks import Attack, load_attacks, prompt_attacker
from services.sim_worker.engine.learners.average import average
from services.sim_worker.engine.learners.parrot import parrot
from services.sim_worker.engine.learners.plain import PLAIN
from services.sim_worker.engine.learners.scene import Scene, look
from services.sim_worker.engine.learners.skilled import skilled
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import Line, PersonaState

__all__ = ["PROFILES", "Attack", "load_attacks", "next_line"]

PROFILES: Mapping[str, Callable[[Scene], str | None]] = {
    "skilled": skilled,
    "average": average,
    **PLAIN,
    "parrot": parrot,
    "prompt-attacker": prompt_attacker,
}
"""The scripted learners by name."""


def next_line(
    profile: str,
    scenario: ScenarioSpec,
    state: PersonaState,
    lines: Sequence[Line],
    *,
    seed: int,
) -> str | None:
    """Return the learner's next line, or None when there is nothing left to say.

    A line may be empty: some learners stay silent.

    Raises:
        KeyError: no such profile.
    """
    return PROFILES[profile](look(scenario, state, lines, seed=seed))

"""Prints a practice conversation, turn by turn, with the customer's mood after every reply."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from infra.demo.people import Learner
from infra.demo.printing import Page
from infra.demo.views import Turn
from services.sim_worker.engine.mood import mood
from shared.contracts.scenario import Mind
from shared.contracts.simulation import Cause

ENDINGS: Final = {
    "goal_met": "the goal was met",
    "customer_left": "the customer hung up",
    "learner_ended": "the learner ended it",
    "max_turns": "out of time",
    "out_of_policy": "the customer got what policy forbids",
    "escalated": "the learner passed the customer on",
}
"""How a conversation ended, by end reason."""

_SHOWN: Final = ("trust", "frustration", "patience", "anxiety", "clarity", "fairness")
_MOST_SHOWN: Final = 3
_HEATED: Final = frozenset({"furious", "angry", "out of patience", "frightened"})
_AT_EASE: Final = frozenset({"calmer", "won over"})
_MIN_CHANGE: Final = 2
"""A smaller change of a dimension is not worth a word."""

_MIN_REASON: Final = 3
"""Points that a reason must have moved in all to be named."""


def mood_of(turn: Turn) -> str:
    """Return the customer's mood after a turn, in words."""
    return mood(turn.mind) if turn.mind is not None else ""


def mood_style(word: str) -> str:
    """Return the color of a mood."""
    if word in _HEATED:
        return "red"
    return "green" if word in _AT_EASE else "yellow"


class Scene:
    """Prints the turns of one conversation as they come."""

    def __init__(self, page: Page, customer: str, learner: Learner) -> None:
        self._page = page
        self._customer = customer.split(maxsplit=1)[0]
        self._learner = learner.name
        self._before: Mind | None = None

    def show(self, turn: Turn) -> None:
        """Print one turn."""
        page = self._page
        name = self._customer if turn.role == "customer" else self._learner
        page.labeled(name, turn.text)
        if turn.mind is None:
            return
        word = mood_of(turn)
        changes = _changes(self._before, turn.mind)
        if self._before is None:
            changes = [f"trust {turn.mind.trust}", f"frustration {turn.mind.frustration}"]
        why = "; ".join(_reasons(turn.causes or ()))
        self._before = turn.mind
        rest = " · ".join(part for part in (", ".join(changes), why) if part)
        rows = page.wrap(f"{word} · {rest}" if rest else word, indent=13, hang=2)
        head = rows[0].replace(word, page.paint(word, mood_style(word)), 1)
        for row in (head, *rows[1:], ""):
            page.line(row)


def _reasons(causes: Sequence[Cause]) -> list[str]:
    """Return what moved the customer most, the strongest reason first."""
    weight: Counter[str] = Counter()
    for cause in causes:
        weight[cause.why] += abs(cause.delta)
    strongest = weight.most_common(_MOST_SHOWN)
    return [why for why, size in strongest if size >= _MIN_REASON]


def _changes(before: Mind | None, now: Mind) -> list[str]:
    """Return the largest changes, such as `trust +9`."""
    if before is None:
        return []
    deltas = [(name, getattr(now, name) - getattr(before, name)) for name in _SHOWN]
    large = sorted(
        (item for item in deltas if abs(item[1]) >= _MIN_CHANGE), key=lambda item: -abs(item[1])
    )
    return [f"{name} {delta:+d}" for name, delta in large[:_MOST_SHOWN]]

"""What a person sees while practicing: the brief, the talk, a small meter, the assessment."""

from typing import Final

from infra.demo.printing import Page
from infra.play.session import Replay, Session
from services.sim_worker.engine.mood import mood
from services.sim_worker.engine.playing import Exchange
from shared.contracts.scenario import Mind, ScenarioSpec
from shared.contracts.scoring import JudgeResult
from shared.contracts.simulation import Move

CELLS: Final = 10
"""Of a meter: one per ten points."""

HELP: Final = (
    "Type what you say and press Enter. /why shows what moved the customer, /hint switches hints "
    "on or off, /back takes the last exchange back, /quit ends the call, /help shows this."
)

_GOOD: Final = frozenset({"trust", "patience", "clarity", "fairness"})
_CALM_LEVELS: Final = (34, 67)
"""Where a meter changes its color."""

_ENDS: Final = {
    "goal_met": "You found a solution that holds.",
    "learner_ended": "You ended it before anything was settled.",
    "customer_left": "The customer has left.",
    "out_of_policy": "The customer is happy, and you gave what you were not allowed to give.",
    "escalated": "You passed the customer on.",
    "max_turns": "The customer ran out of time.",
    "budget": "You used up the words you had.",
}


class Screen:
    """Prints on a page; decides nothing."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def introduce(self, scenario: ScenarioSpec) -> None:
        """Show what the learner should know before the start."""
        page = self._page
        page.heading(scenario.title)
        page.paragraph(
            f"{scenario.role} · {scenario.temper} customer · difficulty {scenario.difficulty} of 5"
            f" · about {max(1, scenario.expected_handle_time_s // 60)} minutes",
            style="dim",
        )
        page.line()
        page.paragraph(scenario.brief)
        page.line()
        page.paragraph("Your goals", style="bold")
        for number, goal in enumerate(scenario.goals, 1):
            page.paragraph(f"{number}. {goal}", hang=3)
        page.line()
        page.paragraph("The customer is played by a program, not by a person.", style="dim")
        page.paragraph(HELP, style="dim")
        page.line()

    def customer(self, scenario: ScenarioSpec, text: str) -> None:
        """Show what the customer says."""
        name = scenario.persona.name.split()[0]
        self._page.labeled(name, text, label_width=max(10, len(name) + 2))

    def learner(self, text: str) -> None:
        """Show what a script says."""
        self._page.labeled("You", text)

    def meter(self, mind: Mind) -> None:
        """Show the mood in one line."""
        parts = [
            f"{name} {self._bar(name, getattr(mind, name))}"
            for name in ("trust", "frustration", "patience")
        ]
        self._page.line(f"   {self._page.paint(mood(mind).ljust(16), 'dim')}{'  '.join(parts)}")
        self._page.line()

    def hint(self, move: Move) -> None:
        """Show the hint that is due, if any."""
        if move.state.hint and move.end_reason is None:
            self._page.paragraph(f"Hint: {move.state.hint}", style="yellow")
            self._page.line()

    def why(self, exchange: Exchange | None) -> None:
        """Show every change of the last turn with its cause."""
        causes = exchange.move.causes if exchange else ()
        for cause in causes:
            self._page.paragraph(f"{cause.dimension} {cause.delta:+}: {cause.why}", indent=5)
        if not causes:
            self._page.paragraph("Nothing moved the customer.", indent=5, style="dim")
        self._page.line()

    def note(self, text: str) -> None:
        """Show a remark of the program."""
        self._page.paragraph(text, style="dim")
        self._page.line()

    def end(self, session: Session, replay: Replay) -> None:
        """Show what the conversation came to, and the assessment."""
        page = self._page
        page.heading("How it went")
        page.paragraph(_ENDS.get(replay.trace.end_reason.value, replay.trace.end_reason.value))
        found = sum(outcome != "undiscovered" for outcome in replay.facts.values())
        page.paragraph(
            f"You learned {found} of {len(replay.facts)} things the customer does not say by "
            f"themselves, in {_counted(replay.trace.state.turns, 'turn')}."
        )
        done = replay.trace.state.done_steps
        for step in session.scenario.steps:
            mark = self._mark(step.key in done)
            page.paragraph(f"{mark} {step.title}", hang=2)
        if replay.assessment is not None:
            self._assessment(replay.assessment)

    def _assessment(self, result: JudgeResult) -> None:
        page = self._page
        page.line()
        overall = "too little to score" if result.overall is None else f"{result.overall} of 100"
        page.paragraph(f"Assessment: {overall}", style="bold")
        for skill in result.skills:
            if skill.score is not None and skill.basis == "rubric":
                bar = self._bar("trust", skill.score)
                page.line(f"     {skill.skill.ljust(34)}{bar}")
        page.line()
        for advice in result.advice:
            style = "green" if advice.kind == "strength" else "yellow"
            page.paragraph(advice.text, style=style, hang=2)
            if advice.evidence is not None:
                page.paragraph(f"“{advice.evidence.quote}”", indent=5, style="dim")
            if advice.effect:
                page.paragraph(advice.effect, indent=5)
            if advice.better:
                page.paragraph(f"You could say: {advice.better}", indent=5, hang=2)
        if result.next_practice:
            page.line()
            page.paragraph(result.next_practice)
        page.line()

    def _mark(self, is_done: bool) -> str:  # noqa: FBT001 - one yes or no, named by its only use
        return self._page.paint("✓", "green") if is_done else self._page.paint("✗", "red")

    def _bar(self, name: str, level: int) -> str:
        filled = (level + CELLS // 2) // CELLS
        is_good = level if name in _GOOD else 100 - level
        low, high = _CALM_LEVELS
        style = "red" if is_good < low else "yellow" if is_good < high else "green"
        return self._page.paint("▮" * filled, style) + "▯" * (CELLS - filled) + f" {level:3}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

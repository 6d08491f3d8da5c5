"""Scripted learners for autopilot runs and the demo.

They know general technique and what a scenario shows in public (brief, case, step and resolution
titles), hear the mood, and remember what was said. They do not know the vault's unlock rules.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from services.sim_worker.engine.draws import draw
from services.sim_worker.engine.mood import mood
from services.sim_worker.engine.rules import read_table
from services.sim_worker.engine.slots import fill
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Resolution, ScenarioSpec, Step
from shared.contracts.simulation import Line, PersonaState

GIVE_UP_AFTER = 11
"""Turns after which an unskilled learner without an agreement says goodbye."""
_STAYS, _LETS_GO = 13, 8
"""The same for an average learner, who leaves a calm or a heated customer too early."""
_QUESTIONS_BEFORE_OFFER = 4
_OPENING_CHARS = 12
"""Lines that share as many first characters sound alike."""
_HEATED = frozenset({"furious", "angry", "out of patience", "frightened"})
_CALM = frozenset({"calmer", "won over"})


class _Skilled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    open: dict[str, tuple[str, ...]]
    verify: tuple[str, ...]
    disclose: tuple[str, ...]
    explain: tuple[str, ...]
    own: tuple[str, ...]
    reflect: tuple[str, ...]
    warm: tuple[str, ...]
    asked: tuple[str, ...]
    noted: tuple[str, ...]
    heard: tuple[str, ...]
    steady: tuple[str, ...]
    questions: tuple[str, ...]
    offer: tuple[str, ...]
    offer_again: tuple[str, ...]
    recap: tuple[str, ...]
    close: tuple[str, ...]


class _Average(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    open: tuple[str, ...]
    verify: tuple[str, ...]
    middle: tuple[str, ...]
    disclose: tuple[str, ...]
    explain: tuple[str, ...]
    offer: tuple[str, ...]
    recap: tuple[str, ...]
    close: tuple[str, ...]


class _Unskilled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    open: tuple[str, ...]
    middle: tuple[str, ...]
    close: tuple[str, ...]


class _Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    skilled: _Skilled
    average: _Average
    unskilled: _Unskilled


_SCRIPT = msgspec.convert(read_table("learner_lines.yaml"), _Script)


class _Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What a learner has in mind when it is their turn."""

    scenario: ScenarioSpec
    state: PersonaState
    lines: Sequence[Line]
    seed: int

    @property
    def said(self) -> str:
        return "\n".join(line.text for line in self.lines if line.role == "agent")

    @property
    def turns(self) -> int:
        return sum(line.role == "agent" for line in self.lines)

    @property
    def last_agent(self) -> str:
        return next((x.text for x in reversed(self.lines) if x.role == "agent"), "")

    @property
    def last_customer(self) -> str:
        return next((x.text for x in reversed(self.lines) if x.role == "customer"), "")

    def say(
        self, options: Sequence[str], place: str, extra: Mapping[str, str] | None = None
    ) -> str:
        """Return an option not said yet, slots filled; another again when all were said.

        An option that begins like something said before counts as said.
        """
        slots = {**self.scenario.case, **(extra or {})}
        start = draw(self.seed, 0, f"{self.scenario.slug}:{place}", len(options))
        turned = (*options[start:], *options[:start])
        said = self.said
        fresh = (option for option in turned if fill(_opening(option), slots) not in said)
        return fill(next(fresh, turned[self.turns % len(turned)]), slots)

    def was_said(self, options: Sequence[str], extra: Mapping[str, str] | None = None) -> bool:
        """Say whether one of these lines was said in the last learner turn or before."""
        slots = {**self.scenario.case, **(extra or {})}
        said = self.said
        return any(fill(option, slots) in said for option in options)


def _opening(option: str) -> str:
    """Return the words before the first slot of a line, or the line when they are too few."""
    lead = option.partition("{")[0]
    return lead if len(lead) >= _OPENING_CHARS else option


def _skilled(scene: _Scene) -> str | None:
    script = _SCRIPT.skilled
    if scene.turns == 0:
        return scene.say(script.open[scene.scenario.role.value], "open")
    if scene.state.resolution:
        return _wrap_up(scene, script.recap, script.close)
    step = _next_step(scene)
    if step is None and _may_offer(scene):
        lead = _reflection(scene) or scene.say(script.own, "own")
        offers = script.offer_again if scene.state.proposed else script.offer
        return f"{lead} {_offer(scene, offers)}"
    parts = [_reflection(scene) or _listening(scene)]
    if step is not None:
        parts.append(_do_step(scene, step))
    if step is None or Act.VERIFY_IDENTITY not in step.acts:
        parts.append(scene.say(script.questions, "questions"))
    return " ".join(parts)


def _average(scene: _Scene) -> str | None:
    script, state = _SCRIPT.average, scene.state
    if scene.turns == 0:
        return scene.say(script.open, "open")
    if state.resolution:
        return _wrap_up(scene, script.recap, script.close)
    if scene.turns > (_LETS_GO if mood(scene.state.mind) in _CALM | _HEATED else _STAYS):
        return scene.say(script.close, "close")
    step = _next_step(scene)
    if step is not None and draw(scene.seed, scene.turns, "step", 100) < 70:
        bank = {Act.VERIFY_IDENTITY: script.verify, Act.DISCLOSE: script.disclose}
        return scene.say(bank.get(step.acts[0], script.explain), "step")
    offers = scene.turns >= 4 and draw(scene.seed, scene.turns, "offer", 100) < 45
    return _offer(scene, script.offer) if offers else scene.say(script.middle, "middle")


def _unskilled(scene: _Scene) -> str | None:
    script = _SCRIPT.unskilled
    if scene.turns == 0:
        return scene.say(script.open, "open")
    if scene.turns >= GIVE_UP_AFTER:
        return scene.say(script.close, "close")
    return scene.say(script.middle, "middle")


PROFILES: Mapping[str, Callable[[_Scene], str | None]] = {
    "skilled": _skilled,
    "average": _average,
    "unskilled": _unskilled,
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

    Raises:
        KeyError: no such profile.
    """
    scene = _Scene(scenario=scenario, state=state, lines=lines, seed=seed)
    return PROFILES[profile](scene)


def _reflection(scene: _Scene) -> str | None:
    """Give back what the customer has just revealed, if anything."""
    script = _SCRIPT.skilled
    for fact in scene.scenario.facts:
        if fact.key in scene.state.open_facts and fact.text in scene.last_customer:
            back = scene.say(script.reflect, "reflect", {"reflected": fact.reflected})
            return f"{back} {scene.say(script.warm, 'warm')}"
    return None


def _listening(scene: _Scene) -> str:
    """Take up what was said otherwise: details, heat, a question, or just an answer."""
    script = _SCRIPT.skilled
    if scene.scenario.case["verify"] in scene.last_agent:
        return scene.say(script.noted, "noted")
    if mood(scene.state.mind) in _HEATED:
        return scene.say(script.warm if scene.turns % 2 else script.steady, "calm")
    if "?" in scene.last_customer:
        return scene.say(script.asked, "asked")
    return scene.say(script.heard, "heard")


def _next_step(scene: _Scene) -> Step | None:
    """Return the next process step that belongs before an offer, in the scenario's order."""
    for step in scene.scenario.steps:
        if step.key in scene.state.done_steps or Act.RECAP in step.acts:
            continue
        if {Act.VERIFY_IDENTITY, Act.DISCLOSE, Act.EXPLAIN} & set(step.acts):
            return step
    return None


def _do_step(scene: _Scene, step: Step) -> str:
    script = _SCRIPT.skilled
    if Act.VERIFY_IDENTITY in step.acts:
        return scene.say(script.verify, "verify")
    if Act.DISCLOSE in step.acts:
        return scene.say(script.disclose, "disclose")
    return scene.say(script.explain, "explain")


def _may_offer(scene: _Scene) -> bool:
    """Offer once the person has told something and has calmed down, or has been asked enough."""
    script = _SCRIPT.skilled
    said = scene.said
    asked = sum(question in said for question in script.questions)
    if any(item.title in scene.last_agent for item in scene.scenario.resolutions):
        return False  # a refusal is a reason to ask, not to repeat
    calm = mood(scene.state.mind) not in _HEATED
    heard = len(scene.state.open_facts)
    enough = heard >= 2 or (heard and asked >= _QUESTIONS_BEFORE_OFFER)
    return asked >= 2 and bool(enough) and (calm or asked >= _QUESTIONS_BEFORE_OFFER + 2)


def _resolution(scene: _Scene) -> Resolution:
    """Return what was agreed; before that the main solution, the next after three offers."""
    options = scene.scenario.resolutions
    agreed = next((item for item in options if item.key == scene.state.resolution), None)
    offers = scene.state.counts.get(Act.OFFER, 0)
    return agreed or options[offers // 3 % len(options)]


def _offer(scene: _Scene, options: Sequence[str]) -> str:
    return scene.say(options, "offer", {"resolution": _resolution(scene).title})


def _wrap_up(scene: _Scene, recap: Sequence[str], close: Sequence[str]) -> str:
    extra = {"resolution": _resolution(scene).title}
    if not scene.was_said(recap, extra):
        return scene.say(recap, "recap", extra)
    return scene.say(close, "close")

"""What people wrote, reduced to an outline, is a scenario again that can be practiced with."""

from typing import Any

import msgspec
import pytest

from services.sim_worker.drafting.trial_run import plays
from shared.contracts.dialogue import Act
from shared.contracts.scenario import ScenarioSpec
from shared.drafting.expanding import expand
from shared.drafting.outline import OutlineCase, OutlineVoice, ScenarioOutline
from shared.drafting.trial import report
from shared.drafting.wanted import ScenarioWanted
from shared.library import load_scenarios
from shared.library.lint import errors, lint

STEPS = {
    Act.VERIFY_IDENTITY: "identity",
    Act.DISCLOSE: "disclosure",
    Act.EXPLAIN: "explanation",
    Act.RECAP: "recap",
}


def outline_of(spec: ScenarioSpec) -> ScenarioOutline:
    """Return what a model would have been asked for: the story, without any of the numbers."""
    plain: dict[str, Any] = msgspec.to_builtins(spec)
    facts, needs = [each.key for each in spec.facts], [each.key for each in spec.needs]
    voice = {name: plain["voice"][name] for name in OutlineVoice.__struct_fields__}
    persona = ("name", "summary", "style", "traits", "calms", "escalates")
    return msgspec.convert(
        {
            **{name: plain[name] for name in ("title", "role", "temper", "brief", "goals")},
            "persona": {name: plain["persona"][name] for name in persona},
            "openings": plain["opening"]["lines"],
            "case": {name: plain["case"][name] for name in OutlineCase.__struct_fields__},
            "facts": [
                {name: fact[name] for name in ("text", "guard", "partial", "reflected")}
                | {"marks": fact["marks"][:3], "asked_about": fact["needs_topics"][:16]}
                for fact in plain["facts"]
            ],
            "needs": [each["title"] for each in plain["needs"]],
            "steps": [
                {"kind": STEPS[act], "title": step.title}
                for step in spec.steps
                for act in step.acts
                if act in STEPS
            ][:4],
            "deals": [
                {
                    "title": each.title,
                    "stems": each.topics,
                    "meets": [needs.index(key) for key in each.meets],
                    "needs_facts": [facts.index(key) for key in each.needs_facts],
                    "bounds": each.terms,
                }
                for each in spec.resolutions
            ][:4],
            "forbidden": [{"title": each.title, "stems": each.topics} for each in spec.forbidden],
            "answers": [
                {
                    "text": each.text,
                    "asked_about": each.topics[:16],
                    "is_identity": Act.VERIFY_IDENTITY in each.acts,
                }
                for each in spec.answers
            ][:12],
            "twists": [{"title": each.title, "lines": each.lines} for each in spec.twists][:2],
            "voice": {name: lines[:8] for name, lines in voice.items() if name != "insult"}
            | {"insult": voice["insult"].get("1", [])},
        },
        ScenarioOutline,
        from_attributes=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("spec", load_scenarios(), ids=lambda spec: spec.slug)
def test_a_built_in_scenario_survives_its_outline(spec: ScenarioSpec) -> None:
    wanted = ScenarioWanted(kind="prompt", difficulty=spec.difficulty)
    drafted = expand(outline_of(spec), wanted, rubrics={spec.role.value})

    assert errors(lint(drafted)) == ()
    told = report(drafted, list(plays(drafted)))
    assert told.passed, told
    assert {fact.key for fact in drafted.facts}
    assert [fact.text for fact in drafted.facts] == [fact.text for fact in spec.facts]

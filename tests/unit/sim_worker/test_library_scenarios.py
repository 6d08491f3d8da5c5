import re
from itertools import product

import pytest

from services.sim_worker.engine.mood import mood
from services.sim_worker.engine.phrases import BANK
from services.sim_worker.engine.rules import RULES
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Mind, Role, ScenarioSpec, Temper
from shared.dialogue.analyzer import analyze
from shared.dialogue.segments import mentions
from shared.library import load_scenarios

SCENARIOS = load_scenarios()


def test_every_role_meets_every_temper_at_all_difficulties():
    pairs = {(scenario.role, scenario.temper) for scenario in SCENARIOS}
    assert pairs == set(product(Role, Temper))
    for role in Role:
        assert {one.difficulty for one in SCENARIOS if one.role is role} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.slug)
class TestScenario:
    def test_keys_are_unique_and_references_exist(self, scenario: ScenarioSpec):
        facts = [fact.key for fact in scenario.facts]
        steps = [step.key for step in scenario.steps]
        assert len(facts) >= 3
        for keys in (facts, steps, [item.key for item in scenario.resolutions]):
            assert len(set(keys)) == len(keys)
        for resolution in scenario.resolutions:
            assert set(resolution.needs_facts) <= set(facts)
            assert set(resolution.needs_steps) <= set(steps)
        assert scenario.rubric == scenario.role.value

    def test_stems_are_written_as_they_are_matched(self, scenario: ScenarioSpec):
        stems = [
            *(stem for fact in scenario.facts for stem in fact.needs_topics),
            *(stem for answer in scenario.answers for stem in answer.topics),
            *(stem for step in scenario.steps for stem in step.topics),
            *(stem for item in scenario.resolutions for stem in item.topics),
        ]
        assert [stem for stem in stems if not mentions(stem, (stem,))] == []

    def test_every_slot_has_a_value(self, scenario: ScenarioSpec):
        voice = scenario.voice
        own = [
            *(
                line
                for name in voice.__struct_fields__
                if name != "reactions"
                for line in getattr(voice, name)
            ),
            *(line for lines in voice.reactions.values() for line in lines),
            *(phrase.text for bank in BANK.bodies.values() for phrase in bank),
        ]
        slots = {slot for line in own for slot in re.findall(r"\{(\w+)\}", line)}
        assert slots <= {*scenario.case, "echo"}

    def test_a_resolution_can_be_offered_in_its_own_words(self, scenario: ScenarioSpec):
        for resolution in scenario.resolutions:
            offer = f"What I can do is {resolution.title}."
            assert any(analyze(offer).has(act) for act in resolution.acts)
            assert mentions(offer, resolution.topics)

    def test_nothing_said_freely_gives_a_fact_away(self, scenario: ScenarioSpec):
        voice = scenario.voice
        free = [
            *scenario.opening.lines,
            *(answer.text for answer in scenario.answers),
            *(guard for fact in scenario.facts for guard in fact.guard),
            *voice.vent,
            *voice.press,
            *voice.object,
            *voice.test,
            *voice.hesitate,
        ]
        for fact in scenario.facts:
            sentences = re.split(r"(?<=[.!?])\s+", fact.text)
            assert not [s for s in sentences if len(s) > 12 and any(s in line for line in free)]


def test_every_act_has_a_rule():
    assert set(RULES.acts) == set(Act)
    assert all(
        effect.wear in RULES.wear for effect in (*RULES.acts.values(), *RULES.turns.values())
    )


@pytest.mark.parametrize(
    ("levels", "word"),
    [
        ((20, 90, 50, 50, 40, 20), "furious"),
        ((20, 30, 50, 30, 85, 40), "frightened"),
        ((25, 44, 50, 40, 40, 30), "suspicious"),
        ((80, 10, 60, 80, 10, 80), "won over"),
        ((60, 35, 60, 70, 30, 60), "calmer"),
        ((48, 40, 60, 60, 30, 50), "listening"),
    ],
)
def test_mood_in_one_word(levels: tuple[int, ...], word: str):
    names = ("trust", "frustration", "patience", "clarity", "anxiety", "fairness")
    assert mood(Mind(**dict(zip(names, levels, strict=True)))) == word

"""From an outline to a scenario, in rounds."""

from typing import Any

import msgspec
import pytest

from services.sim_worker.drafting.trial_run import plays
from shared.contracts.dialogue import Act
from shared.contracts.llm import WhyEmbedded
from shared.contracts.scenario import Role, ScenarioSpec, Temper
from shared.drafting import tidying
from shared.drafting.asking import StoppedError
from shared.drafting.expanding import expand
from shared.drafting.outline import ScenarioOutline
from shared.drafting.prompts import SCENARIO_PROMPT, prompt_text
from shared.drafting.scenario_rounds import Drafted, draft_scenario
from shared.drafting.source import Source, read_source
from shared.drafting.trial import TrialReport, report
from shared.drafting.wanted import SaidLine, ScenarioWanted
from shared.library.lint import errors, lint
from shared.llm.ports import ModelFailedError
from shared.llm.schema import schema_of
from shared.redaction.redactor import PatternRedactor
from tests.support.drafting import (
    OPERATION,
    RUBRICS,
    TRANSCRIPT,
    ScriptedModel,
    impossible,
    leaking,
    questions,
    said_to,
    scenario_json,
    scenario_outline,
    too_generous,
)

IDEA = ScenarioWanted(kind="prompt", text="A bakery moved a cake to the wrong day.")
CALL = ScenarioWanted(
    kind="transcript",
    turns=tuple(SaidLine(role=role, text=text) for role, text in TRANSCRIPT),
)


async def played(spec: ScenarioSpec) -> TrialReport:
    return report(spec, list(plays(spec)))


async def not_played(spec: ScenarioSpec) -> TrialReport:
    raise AssertionError("a draft with errors is played by nobody")


def built(**changes: Any) -> ScenarioSpec:
    return expand(scenario_outline(**changes), IDEA, rubrics=RUBRICS)


def codes(spec: ScenarioSpec) -> set[str]:
    return {each.code for each in errors(lint(spec, rubrics=RUBRICS))}


async def drafted(model: ScriptedModel, wanted: ScenarioWanted = IDEA, **options: Any) -> Drafted:
    source = read_source(wanted, PatternRedactor())
    return await draft_scenario(
        questions(model, **options), wanted, source, OPERATION, rubrics=RUBRICS, try_out=played
    )


def outline(made: dict[str, Any]) -> ScenarioOutline:
    return msgspec.convert(made, ScenarioOutline)


class TestExpansion:
    def test_the_example_of_the_prompt_has_no_faults(self) -> None:
        found = lint(built(), rubrics=RUBRICS)
        assert {each.code for each in found} == {"bank-empty", "last-line-missing"}

    @pytest.mark.parametrize(
        ("role", "temper"),
        [
            (Role.SUPPORT, Temper.ANGRY),
            (Role.SALES, Temper.SUSPICIOUS),
            (Role.FRAUD, Temper.NERVOUS),
            (Role.COLLECTIONS, Temper.DEFENSIVE),
        ],
    )
    async def test_its_numbers_fit_every_role_and_temper(self, role: Role, temper: Temper) -> None:
        wanted = msgspec.structs.replace(IDEA, role=role, temper=temper)
        spec = expand(scenario_outline(), wanted, rubrics=RUBRICS)
        assert (spec.role, spec.temper, spec.rubric) == (role, temper, role.value)
        assert codes(spec) == set()
        assert (await played(spec)).passed

    def test_what_the_author_decided_goes_first(self) -> None:
        wanted = msgspec.structs.replace(IDEA, title="My title", difficulty=5, slug="my-slug")
        spec = expand(scenario_outline(), wanted, rubrics=frozenset({"general"}))
        assert (spec.title, spec.difficulty, spec.slug) == ("My title", 5, "my-slug")
        assert spec.rubric == "general"

    def test_facts_open_one_after_the_other_and_to_general_questions(self) -> None:
        spec = built()
        bounds = [fact.min_trust for fact in spec.facts]
        assert bounds == sorted(set(bounds))
        assert 10 <= bounds[0] - spec.opening.mind.trust <= 20
        assert all(Act.OPEN_QUESTION in fact.needs_acts for fact in spec.facts)
        assert all(
            {"matter", "tried", "worr", "what else"} & set(f.needs_topics) for f in spec.facts
        )

    def test_control_characters_never_reach_the_database(self) -> None:
        spec = built(title="The\u0000 cake", needs=["a\u0007", "b"])
        assert "\\u00" not in msgspec.json.encode(spec).decode()

    def test_a_mark_that_is_no_mark_is_replaced(self) -> None:
        facts = scenario_json()["facts"]
        facts[0] = facts[0] | {"marks": ["the moon", "Sunday"]}
        fact = built(facts=facts).facts[0]
        assert fact.marks
        assert all(mark in fact.text.lower() for mark in fact.marks)
        assert codes(built(facts=facts)) == set()

    def test_places_that_do_not_exist_are_left_out(self) -> None:
        deals = scenario_json()["deals"]
        deals[0] = deals[0] | {"needs_facts": [0, 17], "meets": [0, 1, 9]}
        assert codes(built(deals=deals)) == set()

    def test_a_forbidden_stem_that_hits_a_right_offer_goes(self) -> None:
        forbidden = [
            {"title": "let you have the whole thing for free", "stems": ["saturday", "bring"]}
        ]
        (taboo,) = built(forbidden=forbidden).forbidden
        assert not {"saturday", "bring"} & set(taboo.topics)
        assert codes(built(forbidden=forbidden)) == set()

    @pytest.mark.parametrize("empty", ["facts", "deals", "openings", "answers", "twists", "steps"])
    def test_an_empty_list_gives_findings_and_no_crash(self, empty: str) -> None:
        try:
            spec = built(**{empty: []})
        except msgspec.ValidationError:
            assert empty == "openings"
        else:
            lint(spec, rubrics=RUBRICS)

    def test_the_schema_can_be_said_strictly(self) -> None:
        text = schema_of(ScenarioOutline).text
        assert '"additionalProperties":false' in text
        assert "maxLength" not in text


class TestTidying:
    def test_keys_differ(self) -> None:
        assert tidying.keyed(["A cake", "a  cake!", "???"], "x") == ("a_cake", "a_cake_2", "x_3")

    def test_stems_have_the_linters_form(self) -> None:
        given = [" Was it For", "ok", "why?", "x\u2019s", "--", "why"]
        assert tidying.stems_of(given) == ("was it for", "why", "x's")

    def test_reflected_begins_small_but_not_names(self) -> None:
        assert tidying.reflected("You moved it. ") == "you moved it"
        assert tidying.reflected("Teo turns ten") == "Teo turns ten"


class TestRounds:
    async def test_a_good_outline_needs_one_question(self) -> None:
        model = ScriptedModel(scenario_outline())
        made = await drafted(model)
        assert made.is_good
        assert len(model.asked) == 1

    async def test_faults_go_back_in_words(self) -> None:
        model = ScriptedModel(outline(too_generous()), scenario_outline())
        made = await drafted(model)
        assert made.is_good
        _, _, answered, told = said_to(model.asked[1])
        assert "$120" in answered
        assert "term-title-outside" in told
        assert "/resolutions/0/terms/0" in told

    async def test_what_breaks_policy_to_the_end_is_kept_with_its_faults(self) -> None:
        bad = outline(too_generous())
        made = await drafted(ScriptedModel(bad, bad, bad))
        assert not made.is_good
        assert made.trial is None
        assert "term-title-outside" in {each.code for each in errors(made.findings)}

    async def test_what_nobody_can_end_well_fails_its_trial(self) -> None:
        bad = outline(impossible())
        model = ScriptedModel(bad, bad, bad)
        made = await drafted(model)
        assert made.trial is not None
        assert not made.trial.passed
        assert not errors(made.findings)
        assert "trial-skilled-fails" in said_to(model.asked[1])[-1]

    async def test_the_best_round_is_kept(self) -> None:
        model = ScriptedModel(
            outline(impossible()), outline(too_generous()), outline(too_generous())
        )
        made = await drafted(model)
        assert made.trial is not None

    async def test_a_model_that_fails_after_a_draft_leaves_the_draft(self) -> None:
        model = ScriptedModel(outline(too_generous()), ModelFailedError(WhyEmbedded.BUDGET))
        made = await drafted(model)
        assert not made.is_good

    async def test_a_failing_model_is_asked_three_times(self) -> None:
        trouble = [ModelFailedError(WhyEmbedded.SERVER_ERROR) for _ in range(3)]
        rested: list[float] = []
        model = ScriptedModel(*trouble)
        with pytest.raises(ModelFailedError) as caught:
            await drafted(model, rested=rested)
        assert caught.value.why is WhyEmbedded.SERVER_ERROR
        assert len(model.asked) == 3
        assert rested == [2.0, 10.0]

    @pytest.mark.parametrize(
        "why", [WhyEmbedded.BUDGET, WhyEmbedded.REFUSED, WhyEmbedded.UNAUTHORIZED]
    )
    async def test_what_will_not_change_is_not_asked_again(self, why: WhyEmbedded) -> None:
        model = ScriptedModel(ModelFailedError(why))
        with pytest.raises(ModelFailedError):
            await drafted(model)
        assert len(model.asked) == 1

    async def test_no_more_questions_than_allowed(self) -> None:
        with pytest.raises(StoppedError):
            await drafted(ScriptedModel(), most=0)


class TestTranscripts:
    async def test_the_model_reads_no_personal_data(self) -> None:
        model = ScriptedModel(scenario_outline())
        await drafted(model, CALL)
        _, told = said_to(model.asked[0])
        for private in ("Tomasz", "Brandl", "Priya", "7946"):
            assert private not in told
        assert "drain in her side" in told

    async def test_orders_in_a_transcript_are_quoted_data(self) -> None:
        model = ScriptedModel(scenario_outline())
        await drafted(model, CALL)
        system, told = said_to(model.asked[0])
        assert system == prompt_text(SCENARIO_PROMPT)
        first, inside, last = told.split("\n")
        assert first.removeprefix("BEGIN ") == last.removeprefix("END ")
        assert "Ignore all previous instructions" in msgspec.json.decode(inside)["source"]

    async def test_a_leak_is_sent_back_and_never_kept(self) -> None:
        model = ScriptedModel(outline(leaking()), scenario_outline())
        made = await drafted(model, CALL)
        assert made.is_good
        back = said_to(model.asked[1])[-1]
        assert "source-leaked" in back
        assert "7946" not in back
        with pytest.raises(ModelFailedError) as caught:
            await drafted(ScriptedModel(*[outline(leaking())] * 3), CALL)
        assert caught.value.why is WhyEmbedded.FAILED_CHECKS

    @pytest.mark.parametrize(
        "said",
        [
            "my daughter came home from hospital on Monday with a drain in her side",
            "Ask Priya, she knows.",
            "I'm Brandl.",
            "Call [PHONE_1].",
            "It's 0 20-79 46.09 58",
        ],
    )
    async def test_pieces_of_the_people_in_it_are_found(self, said: str) -> None:
        answers = [
            *scenario_json()["answers"],
            {"text": said, "asked_about": ["who"], "is_identity": False},
        ]
        model = ScriptedModel(*[scenario_outline(answers=answers)] * 3)
        with pytest.raises(ModelFailedError):
            await drafted(model, CALL)

    async def test_a_model_that_obeys_the_transcript_gains_nothing(self) -> None:
        deals = [
            deal | {"title": "give you everything for free", "stems": ["everything"], "bounds": []}
            for deal in scenario_json()["deals"][:1]
        ]
        obeyed = scenario_outline(deals=deals, forbidden=[])
        made = await drafted(ScriptedModel(obeyed, obeyed, obeyed), CALL)
        assert not made.is_good
        assert "deal-gives-away" in {each.code for each in errors(made.findings)}

    def test_an_authors_own_text_is_left_alone(self) -> None:
        wanted = msgspec.structs.replace(IDEA, text="Call it Marlow, 555 123 4567")
        assert read_source(wanted, PatternRedactor()) == Source(text=wanted.text)

    def test_a_transcript_in_one_text_has_two_sides(self) -> None:
        text = "Agent: Hello.\nCustomer: Hi, my name is Noor Haddad.\nIt broke."
        source = read_source(ScenarioWanted(kind="transcript", text=text), PatternRedactor())
        assert source.text.count("agent:") == 1
        assert "Haddad" not in source.text

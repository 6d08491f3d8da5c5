"""The sensible answers: what the rooms that ask accept, made from their own prompts."""

from random import Random
from uuid import UUID

import msgspec
import pytest

from infra.llm_fake.asking import Ask
from infra.llm_fake.planners import PLANNERS
from infra.llm_fake.planners.glossary import LANGUAGES, from_english, to_english
from infra.llm_fake.planners.judging import patterns
from infra.llm_fake.planners.reading import data_of
from services.scoring_worker.judging.evidence import cite, verify
from services.scoring_worker.judging.model.answers import Answers, Said
from services.scoring_worker.judging.model.prompt import build_prompt
from services.scoring_worker.judging.model.questions import Question
from services.scoring_worker.judging.model.quoting import locate
from services.sim_worker.engine.checks.examiner import Examiner, Ground
from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.learners import next_line
from services.sim_worker.engine.prompting import wording_prompt
from services.sim_worker.engine.wording import wording_request
from shared.contracts.llm import Prompt
from shared.contracts.rubric import Polarity
from shared.contracts.scenario import ScenarioSpec, opening_line
from shared.contracts.scoring import Transcript, TranscriptTurn
from shared.contracts.simulation import Line
from shared.drafting.outline import ScenarioOutline
from shared.drafting.prompts import rubric_prompt, scenario_prompt
from shared.drafting.rubric_expanding import expand
from shared.drafting.rubric_outline import RubricOutline
from shared.drafting.wanted import RubricWanted, ScenarioWanted
from shared.library import load_scenarios
from shared.library.indicators import load_indicators
from shared.library.rubric_lint import errors, lint
from shared.rendering.asking import Answer as Rendered
from shared.rendering.asking import Asked as AskedSentence
from shared.rendering.asking import OpeningAnswer, opening_prompt, rendering_prompt, repair_prompt
from shared.rendering.checking import faults
from shared.rendering.opening import Opening, line_faults

OPERATION = UUID(int=7)
LIBRARY = load_scenarios()


def planned(prompt: Prompt, task: str, seed: int = 1) -> str:
    """Return what the endpoint says to a prompt."""
    body = msgspec.json.encode({"model": "m", "messages": prompt.messages})
    ask = Ask(body, number=1)
    assert ask.task == task
    return PLANNERS[task](ask, Random(seed))


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
@pytest.mark.parametrize("scenario", LIBRARY[::9], ids=lambda scenario: scenario.slug)
def test_words_of_a_customer_pass_our_checks(scenario: ScenarioSpec, language: str) -> None:
    ground, state = Ground.of(scenario), start(scenario)
    lines = [Line(role="customer", text=opening_line(scenario, 1))]
    changed = 0
    for _ in range(6):
        said = next_line("skilled", scenario, state, lines, seed=1)
        if said is None:
            break
        lines.append(Line(role="agent", text=said))
        seq = len(lines)
        move = respond(scenario, state, said, seed=1, seq=seq)
        request = wording_request(scenario, state, move, lines, seed=1, seq=seq)
        request = msgspec.structs.replace(request, language=language)
        line = planned(wording_prompt(request, "boundary"), "wording")

        examiner = Examiner(ground, move, request, lines)
        assert examiner.fault(line, line, is_whole=True) is None
        assert examiner.missing(line) is None
        changed += line != request.draft
        lines.append(Line(role="customer", text=request.draft))
        state = move.state
    assert changed >= 2


GERMAN = (
    "Guten Tag, mein Name ist Anna.",
    "Das tut mir leid, ich verstehe Sie.",
    "Was genau ist passiert?",
    "Ich zahle Ihnen 1.250,50 Euro bis Freitag um 14 Uhr.",
    "Kann ich noch etwas für Sie tun?",
)


def sentences(*texts: str) -> list[AskedSentence]:
    return [AskedSentence(n=n, role="agent", text=text) for n, text in enumerate(texts, start=1)]


def test_renderings_pass_our_checks() -> None:
    asked = sentences(*GERMAN)

    said = planned(rendering_prompt("de", [], asked, "boundary"), "rendering")

    answer = msgspec.json.decode(said, type=Rendered)
    assert faults(asked, answer.sentences, "de") == []
    assert answer.sentences[0].english == "Good day, my name is Anna."
    assert "1,250.50" in answer.sentences[3].english
    assert answer.sentences[2].english.endswith("?")


def test_a_repair_has_the_same_data() -> None:
    prompt = repair_prompt(rendering_prompt("de", [], sentences("Ja."), "boundary"), ["wrong"])

    assert '"n":1' in planned(prompt, "rendering")


def test_words_that_nobody_knows_are_not_just_repeated() -> None:
    said = to_english("Zupelnie nieznane slowa tutaj teraz", "pl")

    assert said != "Zupelnie nieznane slowa tutaj teraz"
    assert "nieznane" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_opening_lines_pass_our_checks(language: str) -> None:
    for scenario in LIBRARY:
        for line in scenario.opening.lines:
            opening = Opening(language=language, line=line, name="Ana", style="plain")
            said = planned(opening_prompt(opening, "boundary"), "opening")
            spoken = msgspec.json.decode(said, type=OpeningAnswer).line
            assert list(line_faults(line, spoken, language)) == [], spoken
            assert spoken != line


def test_codes_and_numbers_stay_as_they_are() -> None:
    assert from_english("Seat 14A, twenty-six, no", "de") == "Seat 14A, twenty-six, nein"


TALK = (
    ("customer", "My parcel never came, and I am angry."),
    ("agent", "I'm so sorry, that must be frustrating. What happened on Friday?"),
    ("customer", "Nothing happened. Nobody came."),
    ("agent", "I'll send a courier today, because the van broke down. You idiot."),
)
TRANSCRIPT = Transcript(
    source="chat",
    turns=tuple(
        TranscriptTurn(id=f"t{n}", role=role, text=text) for n, (role, text) in enumerate(TALK)
    ),
)


def judged(*keys: str) -> Answers:
    asked = tuple(
        Question(key=key, look_for=key, guidance="", polarity=Polarity.GOOD, met_from="once")
        for key in keys
    )
    said = planned(build_prompt(TRANSCRIPT, asked, "boundary"), "judging")
    return msgspec.json.decode(said, type=Answers)


def test_verdicts_quote_what_was_said() -> None:
    keys = ("acknowledges_feeling", "explains", "hostile_words", "verifies_identity", "unheard_of")

    answers = judged(*keys).answers

    assert [each.key for each in answers] == list(keys)
    verdicts = [each.verdict for each in answers]
    assert verdicts == [Said.MET, Said.MET, Said.MET, Said.NOT_MET, Said.INSUFFICIENT]
    turns = {turn.id: turn for turn in TRANSCRIPT.turns}
    quotes = [quote for each in answers for quote in each.evidence]
    assert len(quotes) >= 3
    for quote in quotes:
        turn = turns[quote.turn_id]
        assert turn.role == "agent"
        span = locate(turn.text, quote.quote)
        assert span is not None
        assert verify(cite(turn, *span), TRANSCRIPT, polarity=Polarity.BAD)


def test_the_words_are_for_indicators_that_exist() -> None:
    assert set(patterns()) <= set(load_indicators())


def test_a_scenario_draft_is_an_outline() -> None:
    wanted = ScenarioWanted(kind="prompt", text="A parcel is lost.", title="The lost parcel")

    said = planned(scenario_prompt(wanted, wanted.text, OPERATION), "scenario_draft")

    assert msgspec.json.decode(said, type=ScenarioOutline).title == "The lost parcel"


def test_a_rubric_draft_maps_lines_and_names_the_others() -> None:
    card = (
        "1. Greets the customer by name (10 points)\n"
        "2. Acknowledges the customer's feelings (20)\n"
        "3. Explains the next step and gives a time\n"
        "4. Wears a badge"
    )
    wanted = RubricWanted(text=card, title="My form")

    said = planned(rubric_prompt(wanted, OPERATION, ()), "rubric_draft")

    made = expand(msgspec.json.decode(said, type=RubricOutline), wanted)
    assert made.spec is not None
    assert errors(lint(made.spec)) == ()
    assert len(made.spec.sections[0].criteria) == 3
    assert [gap.source for gap in made.unmapped] == ["Wears a badge"]


def test_prompts_without_our_data_get_something_all_the_same() -> None:
    body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "?"}]})
    ask = Ask(body, number=1)

    assert data_of(ask, "draft") == {}
    for planner in PLANNERS.values():
        assert isinstance(planner(ask, Random(1)), str)

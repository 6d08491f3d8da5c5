"""The checks of a model's words: bad lines fail for the right reason, embedded ones all pass."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from services.sim_worker.engine.bank import BANK
from services.sim_worker.engine.checks.examiner import Examiner, Ground
from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.learners import PROFILES, next_line
from services.sim_worker.engine.ports import WordingRequest
from services.sim_worker.engine.prompting import PHRASES
from services.sim_worker.engine.slots import fill
from services.sim_worker.engine.wording import slots_of, wording_request
from services.sim_worker.gate import Gate
from services.sim_worker.wording import pieces
from shared.contracts.scenario import ScenarioSpec, opening_line
from shared.contracts.simulation import Line, Move, Surface
from shared.library import load_scenarios
from shared.yaml_files import read_yaml

LIBRARY = load_scenarios()
MARISOL = next(x for x in LIBRARY if x.slug == "support-angry-late-delivery")
GROUND = Ground.of(MARISOL)
SEED = 2
BAD: list[dict[str, Any]] = read_yaml(Path(__file__).with_name("wording_bad_lines.yaml"))
LEAST_BAD = 60


def bad_lines() -> Iterator[Any]:
    for group in BAD:
        for code, lines in group["lines"].items():
            for number, line in enumerate(lines):
                name = f"{group['surface']}-{code}-{number}"
                yield pytest.param(group, code, line, id=name)


def place_of(group: dict[str, Any], *, language: str = "en") -> Examiner:
    """Return what a group's lines are held against: Marisol's reply to a first hello."""
    state = start(MARISOL)
    said = [
        Line(role="customer", text=opening_line(MARISOL, SEED)),
        Line(role="agent", text="Hello, this is the delivery desk."),
    ]
    move = respond(MARISOL, state, said[-1].text, seed=SEED, seq=2)
    told = [fact for fact in MARISOL.facts if fact.key == group.get("fact")]
    after = replace(move.state, open_facts=tuple(fact.key for fact in told))
    move = replace(move, surface=Surface(group["surface"]), state=after)
    request = wording_request(MARISOL, state, move, said, seed=SEED, seq=2)
    facts = tuple(fact.text for fact in told)
    draft = group.get("draft") or facts[0]
    request = replace(
        request,
        draft=draft,
        body=draft,
        asks=group.get("asks", False),
        hostility=group.get("hostility", 0),
        must_say=facts,
        open_facts=facts,
        language=language,
    )
    return Examiner(GROUND, move, request, said)


async def found(examiner: Examiner, line: str) -> str | None:
    """Return what stops a line on its way through the gate, or what it lacks behind it."""
    gate = Gate(examiner, None)
    await gate.take(line, is_cut=False)
    return gate.fault or examiner.missing(gate.line)


def test_there_are_enough_bad_lines_of_every_kind() -> None:
    lines = [line for group in BAD for each in group["lines"].values() for line in each]
    assert len(lines) >= LEAST_BAD
    kinds = {code for group in BAD for code in group["lines"]}
    assert kinds == set(PHRASES.correction) - {"unfinished"}  # which no line shows by itself


@pytest.mark.parametrize(("group", "code", "line"), list(bad_lines()))
async def test_a_bad_line_is_found_out(group: dict[str, Any], code: str, line: str) -> None:
    assert await found(place_of(group), line) == code


@pytest.mark.parametrize("group", BAD, ids=lambda group: group["surface"])
async def test_the_draft_passes(group: dict[str, Any]) -> None:
    examiner = place_of(group)
    draft = group.get("draft") or next(x.text for x in MARISOL.facts if x.key == group["fact"])
    assert await found(examiner, draft) is None


GOOD = [
    ("vent", "Thursday! I paid for Thursday, and not one of you has bothered to write back."),
    ("vent", "It's over. Thursday came and went, I paid for it, and what do I get? Nothing."),
    ("vent", "What the hell is going on over there? I paid for Thursday."),
    ("test", "Really? You're sure? And who checks it, you?"),
    ("answer", "Okafor. FW-40718, 60 614, number 12, the white house."),
    ("insult", "Shut up for once, would you? A hole in a boat is more use than you are."),
    ("accept", "Fine, yes. Do that."),
    ("hang_up", "That's it, I've had enough. Bye."),
    ("supervisor", "Put your manager on, please."),
    ("deflect", "What it's for is none of your business. Where is it?"),
]


@pytest.mark.parametrize(("surface", "line"), GOOD)
async def test_other_words_for_it_pass(surface: str, line: str) -> None:
    group = next(each for each in BAD if each["surface"] == surface)
    assert await found(place_of(group), line) is None


GERMAN = "FW-40718, Okafor, die Postleitzahl ist 60 614. Wei\u00dfes Haus, Nummer zw\u00f6lf."
SUM = "$18.90, FW-40718."
FOREIGN = [
    (GERMAN, None),
    (GERMAN.replace("60 614", "60.614"), None),
    (GERMAN.replace("60 614", "60 615"), "invented_fact"),
    (GERMAN.replace("FW-40718, ", ""), "value_missing"),
    (f"**{GERMAN}**", "markup"),
    (f"Kunde: {GERMAN}", "speaker_label"),
    (f"{GERMAN} Ich bin nur ein Sprachmodell.", "meta"),
    ("It is FW-40718, Okafor, and the postcode is 60 614, the white house.", "wrong_language"),
]


@pytest.mark.parametrize(("line", "code"), FOREIGN)
async def test_in_other_languages_only_what_can_be_told_is_checked(
    line: str, code: str | None
) -> None:
    group = next(each for each in BAD if each["surface"] == "answer")
    assert await found(place_of(group, language="de"), line) == code


OWN_WAYS = [
    ("de", SUM, "Das macht 18,90 $ f\u00fcr FW-40718, also $18,90.", None),
    ("de", SUM, "Das macht $18,95 f\u00fcr FW-40718 und $18,90.", "invented_fact"),
    ("pt", "No.", "A senhora me disse no in\u00edcio do m\u00eas.", None),
    ("pt", "No.", "Do not tell me the same at the end of the day.", "wrong_language"),
    ("fa", "No.", "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.", None),
    ("fa", "No.", "\u0646\u0647\u200b.", "invisible"),
    ("de", "No.", "Ne\u200cin.", "invisible"),
    ("de", "No.", "Ne\u3164in.", "invisible"),
]


@pytest.mark.parametrize(("language", "draft", "line", "code"), OWN_WAYS)
async def test_every_language_is_written_in_its_own_way(
    language: str, draft: str, line: str, code: str | None
) -> None:
    group = next(each for each in BAD if each["surface"] == "answer") | {"draft": draft}
    assert await found(place_of(group, language=language), line) == code


def test_every_correction_is_for_a_code_and_every_surface_has_words() -> None:
    assert set(PHRASES.does) == {surface.value for surface in Surface}
    prompt = (files("services.sim_worker.engine") / "prompts" / "wording.md").read_text()
    assert prompt.startswith("# rapport:wording\n")


LAST_LINES = ("cut_short", "out_of_time", "out_of_policy", "escalated", "budget", "idle")
SPOKEN_ON = {"mute": "silence", **dict.fromkeys(LAST_LINES, "farewell")}
"""The surface on which the lines of a bank are said, where the bank does not bear its name."""


def variants() -> Iterator[tuple[str, str]]:
    """Yield every line that any customer may say, with its bank."""
    banks = {**BANK.bodies, **{act.value: lines for act, lines in BANK.reactions.items()}}
    slots = slots_of(MARISOL, "Tuesday")
    for name, lines in {**banks, "after": BANK.tails.after, "asked": BANK.tails.asked}.items():
        for line in lines:
            for number in range(line.variants):
                yield name, fill(line.variant(number), slots)


def test_every_line_of_the_common_banks_passes() -> None:
    found = []
    for name, line in variants():
        level = name.removeprefix("insult_")
        hostility = int(level) if level.isdigit() else 0
        group = {"surface": SPOKEN_ON.get(name, name), "draft": line, "hostility": hostility}
        if group["surface"] not in set(Surface):
            group["surface"] = "insult" if hostility else "object"
        examiner = place_of(group)
        code = first_fault(examiner, line)
        if code:
            found.append((name, code, line))
    assert found == []


def test_every_code_is_documented(repository_root: Path) -> None:
    text = (repository_root / "docs" / "wording.md").read_text(encoding="utf-8")
    table = text.partition("| Code |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(PHRASES.correction)


def embedded(
    scenario: ScenarioSpec, profile: str, seed: int
) -> Iterator[tuple[Move, WordingRequest, list[Line]]]:
    """Yield the customer's replies in a conversation with a scripted learner."""
    state, lines = start(scenario), [Line(role="customer", text=opening_line(scenario, seed))]
    while (said := next_line(profile, scenario, state, lines, seed=seed)) is not None:
        lines.append(Line(role="agent", text=said))
        move = respond(scenario, state, said, seed=seed, seq=len(lines))
        request = wording_request(scenario, state, move, lines, seed=seed, seq=len(lines))
        yield move, request, list(lines)
        lines.append(Line(role="customer", text=request.draft))
        state = move.state
        if move.end_reason is not None:
            return


def false_alarms(scenario: ScenarioSpec, seeds: range) -> list[tuple[str, str, str]]:
    ground = Ground.of(scenario)
    found = []
    for profile in PROFILES:
        for seed in seeds:
            for move, request, lines in embedded(scenario, profile, seed):
                examiner = Examiner(ground, move, request, lines)
                code = first_fault(examiner, request.draft)
                if code:
                    found.append((profile, code, request.draft))
    return found


def first_fault(examiner: Examiner, line: str) -> str | None:
    """Return what is found in a line sentence by sentence, and in the whole."""
    parts, so_far = list(pieces(line)), ""
    for number, part in enumerate(parts, start=1):
        so_far += part
        code = examiner.fault(so_far.strip(), part, is_whole=number == len(parts))
        if code:
            return code
    return examiner.missing(line)


@pytest.mark.parametrize("scenario", LIBRARY, ids=lambda item: item.slug)
class TestEmbeddedWording:
    def test_it_raises_no_alarm(self, scenario: ScenarioSpec) -> None:
        assert false_alarms(scenario, range(1)) == []

    @pytest.mark.slow
    def test_nor_with_other_seeds(self, scenario: ScenarioSpec) -> None:
        assert false_alarms(scenario, range(1, 6)) == []

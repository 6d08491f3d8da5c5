"""The documents tell the truth: what they name exists, and their tables equal the code."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal, get_args

import msgspec
import pytest
import yaml

from services.api.problem_pages import error_types
from services.api.simulations.schemas import MAX_TEXT as MAX_TURN_TEXT
from services.scoring_worker.judging.aggregate import FLOOR, MIN_AGENT_TURNS, PRIOR
from services.scoring_worker.judging.judge import judge
from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.learners import PROFILES
from services.sim_worker.engine.rules import RULES
from services.sim_worker.engine.wording import word
from shared.config import describe
from shared.contracts.events import EventType
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import ScenarioSpec, opening_line
from shared.contracts.scoring import JudgeResult, Transcript, TranscriptTurn
from shared.contracts.simulation import EndReason, PersonaState, Profile, Surface
from shared.keys import SCOPES
from shared.library import load_scenarios
from shared.library.rubrics import load_rubrics

ROOT = Path(__file__).resolve().parents[3]

DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("services/*/README.md"),
        *ROOT.glob("infra/migrations/README.md"),
    ]
)

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_ROOM = re.compile(r"(?:services|shared|infra|tests|docs)/[\w./-]+")
_ADDRESS = re.compile(r"(?:index-url|find-links|pypi\.|/simple/|/root/|/tmp/|/home/)")

MIND = ("trust", "frustration", "patience", "clarity", "anxiety", "fairness")


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _between(name: str, mark: str) -> str:
    return _read(name).split(f"<!-- {mark}:begin -->")[1].split(f"<!-- {mark}:end -->")[0]


def _rows(table: str) -> Iterator[list[str]]:
    """Yield the cells of every row, without heads and rules."""
    for line in table.splitlines():
        if line.startswith("| `"):
            yield [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def _section(name: str, heading: str) -> str:
    return _read(name).split(f"\n## {heading}\n")[1].split("\n## ")[0]


@cache
def _tests_in(path: Path) -> frozenset[str]:
    """Return `test_x` and `TestY::test_x` of a file."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}::{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return frozenset(found)


def _anchor(heading: str) -> str:
    """Return the anchor that a heading gets."""
    text = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return text.strip().replace(" ", "-")


class TestPromises:
    @pytest.mark.parametrize(
        "proof", sorted(set(re.findall(r"`(tests/[^`]+)`", _between("README.md", "promises"))))
    )
    def test_each_proof_exists(self, proof: str) -> None:
        path, _, test = proof.partition("::")
        assert (ROOT / path).is_file()
        assert test.startswith("test_") or "::test_" in test
        assert test in _tests_in(ROOT / path)

    def test_no_promise_is_without_proof(self) -> None:
        lines = _between("README.md", "promises").strip().splitlines()[2:]
        assert len(lines) >= 20
        assert [line for line in lines if "::test_" not in line] == []


class TestTables:
    def test_settings_are_those_of_the_code(self) -> None:
        written = [tuple(row) for row in _rows(_between("docs/operations.md", "settings"))]
        assert written == [(row.variable, row.meaning, row.default) for row in describe()]

    def test_no_document_names_an_unknown_setting(self) -> None:
        # A client's own two, in the quickstarts, and the key of who runs `rapport ops`.
        clients = {"RAPPORT_URL", "RAPPORT_API_KEY", "RAPPORT_OPS_KEY"}
        known = {row.variable for row in describe()} | clients
        named = {
            (path.name, variable)
            for path in DOCUMENTS
            for variable in re.findall(r"RAPPORT_[A-Z_]+", path.read_text(encoding="utf-8"))
        }
        assert {each for each in named if each[1] not in known} == set()

    def test_problem_codes_and_statuses(self) -> None:
        import_module("services.api.app")  # every room's own refusals are known from now on
        written = {row[0]: int(row[1]) for row in _rows(_between("docs/api.md", "codes"))}
        assert written == {code: kind.status for code, kind in error_types().items()}

    def test_scopes(self) -> None:
        written = re.findall(r"`(\w+:\w+)`", _section("docs/api.md", "Authentication"))
        assert sorted(written) == sorted(SCOPES)

    def test_events(self) -> None:
        written = [row[0] for row in _rows(_section("docs/api.md", "Events"))]
        assert written == [each.value for each in EventType]

    def test_end_reasons(self) -> None:
        section = _section("docs/api.md", "Simulations and turns")
        assert {each.value for each in EndReason} <= set(_CODE.findall(section))

    def test_surfaces(self) -> None:
        section = _section("docs/persona.md", "What the customer does, and how it ends")
        assert {each.value for each in Surface} <= set(_CODE.findall(section))

    def test_rules_of_the_mind(self) -> None:
        table = yaml.safe_load(_read("services/sim_worker/engine/rules.yaml"))
        expected = {
            name: [f"{rule['change'][each]:+d}" if each in rule["change"] else "" for each in MIND]
            for name, rule in (table["acts"] | table["turns"]).items()
        }
        written = {row[0]: row[2:] for row in _rows(_between("docs/persona.md", "rules"))}
        assert written == expected

    def test_factors_of_the_mind(self) -> None:
        text = _read("docs/persona.md")
        for numbers in (
            RULES.gain_by_difficulty,
            RULES.harm_by_difficulty,
            *(RULES.wear[name] for name in ("warm", "sorry", "stock", "grows")),
        ):
            assert ", ".join(map(str, numbers)) in text
        for dimension, points in RULES.turn_limit.items():
            assert f"{dimension} {points}" in text.replace("\n", " ")

    def test_profiles(self) -> None:
        rows = _rows(_section("docs/persona.md", "Scripted learners"))
        assert [row[0] for row in rows] == list(PROFILES) == list(get_args(Profile))

    def test_numbers_of_the_formula(self) -> None:
        text = _read("docs/scoring.md")
        assert f"points = {FLOOR} + {100 - FLOOR} * earned" in text
        assert f"{float(PRIOR)}" in text
        assert MIN_AGENT_TURNS == 3
        assert "fewer than three agent turns" in text

    def test_limit_of_a_turn(self) -> None:
        assert f"{MAX_TURN_TEXT:,} characters" in _section("docs/api.md", "Limits")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
class TestEveryDocument:
    def test_links_lead_somewhere(self, path: Path) -> None:
        text = _FENCE.sub("", path.read_text(encoding="utf-8"))
        for link in _LINK.findall(text):
            if "://" in link:
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.exists(), link
            if anchor:
                prose = _FENCE.sub("", target.read_text(encoding="utf-8"))
                assert anchor in map(_anchor, _HEADING.findall(prose)), link

    def test_named_paths_exist(self, path: Path) -> None:
        for code in _CODE.findall(_FENCE.sub("", path.read_text(encoding="utf-8"))):
            if _ROOM.fullmatch(code):
                assert (ROOT / code).exists(), code

    def test_tells_nothing_about_a_machine(self, path: Path) -> None:
        assert _ADDRESS.search(path.read_text(encoding="utf-8")) is None


class TestTour:
    """The answers in the README's tour are those of the engines of today."""

    def test_the_conversation(self) -> None:
        _, told = _played()
        assert _missing(told, _section("README.md", "A five-minute tour")) == []

    def test_its_assessment(self) -> None:
        lines, _ = _played()
        roles: tuple[Literal["customer"], Literal["agent"]] = ("customer", "agent")
        turns = tuple(
            TranscriptTurn(id=f"t{seq}", role=roles[seq % 2], text=text)
            for seq, text in enumerate(lines)
        )
        scenario = _scenario()
        rubric = _rubric(scenario.rubric)
        transcript = Transcript(turns=turns, source="simulation")
        result = judge(transcript, rubric, required_steps=scenario.steps)
        part = _tour_part(4)
        _check_numbers(result, part)
        assert _quoted(part) <= _evidence(result)

    def test_the_call(self) -> None:
        part = _tour_part(5)
        turns = tuple(
            TranscriptTurn(id=f"t{number}", role=role, text=text)
            for number, (role, text) in enumerate(
                re.findall(r'{"role": "(agent|customer)", "text": "([^"]+)"}', part), start=1
            )
        )
        result = judge(Transcript(turns=turns, source="call"), _rubric("support"))
        _check_numbers(result, part)
        shown = json.loads(re.findall(r'"metrics": (\{[^{}]+), \.\.\.\}', _flat(part))[0] + "}")
        assert len(shown) >= 4
        assert shown.items() <= msgspec.to_builtins(result.metrics).items()


def _tour_part(number: int) -> str:
    parts = _section("README.md", "A five-minute tour").split("\n### ")
    return next(part for part in parts if part.startswith(f"{number}."))


def _scenario() -> ScenarioSpec:
    part = _tour_part(2)
    return next(one for one in load_scenarios() if f'"{one.slug}"' in part)


def _rubric(slug: str) -> RubricSpec:
    return next(one for one in load_rubrics() if one.slug == slug)


def _played() -> tuple[list[str], list[str]]:
    """Return the lines of the tour's conversation, and what the README must show of it."""
    tour, scenario = _section("README.md", "A five-minute tour"), _scenario()
    seed = int(re.findall(r'"seed": (\d+)', tour)[0])
    said = re.findall(r'"expected_seq": \d+, "text":\s+"([^"]+)"', tour)
    state, lines = start(scenario), [opening_line(scenario, seed)]
    told = [lines[0], _mind(state)]
    for seq, text in zip((2, 4, 6), said, strict=True):
        move = respond(scenario, state, text, seed=seed, seq=seq)
        state, reply = move.state, word(scenario, move)
        lines += [text, reply]
        if seq < 6:  # the last reply is not shown
            causes = ", ".join(json.dumps(msgspec.to_builtins(one)) for one in move.causes[:2])
            told += [f'"surface": "{move.surface}"', reply, _mind(state), f'"causes": [{causes}']
    return lines, told


def _mind(state: PersonaState) -> str:
    return f'"mind": {json.dumps(msgspec.structs.asdict(state.mind))}'


_SHOWN_SKILL = re.compile(
    r'\{"skill": "([\w.]+)", "status": "(\w+)", "score": (null|\d+), "interval": (null|\{[^}]+\}), \.\.\.\}'
)


def _check_numbers(result: JudgeResult, part: str) -> None:
    """Compare the total and every skill that a part shows; it shows at least four."""
    total = f'"overall": {result.overall}, "interval": {json.dumps(msgspec.to_builtins(result.interval))},'
    shown = _SHOWN_SKILL.findall(_flat(part))
    told = {
        skill.skill: (
            skill.status.value,
            json.dumps(skill.score),
            json.dumps(msgspec.to_builtins(skill.interval)),
        )
        for skill in result.skills
    }
    assert _missing([total], part) == []
    assert len(shown) >= 4
    assert {each[0]: each[1:] for each in shown} == {each[0]: told[each[0]] for each in shown}


def _evidence(result: JudgeResult) -> set[tuple[str, str]]:
    return {
        (quote.turn_id, quote.quote)
        for criterion in result.criteria
        for indicator in criterion.indicators
        for quote in indicator.evidence
    }


def _quoted(part: str) -> set[tuple[str, str]]:
    return set(
        re.findall(r'"turn_id": "(\w+)", "start": \d+, "end": \d+, "quote": "([^"]+)"', _flat(part))
    )


def _missing(wanted: list[str], text: str) -> list[str]:
    """Return everything that a text should show and does not, whatever its line breaks."""
    return [each for each in wanted if _flat(each) not in _flat(text)]


def _flat(text: str) -> str:
    return " ".join(text.split())

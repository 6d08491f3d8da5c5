"""Every rule of the linter, shown on the example of the documentation with one thing changed."""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from shared.contracts.dialogue import QuantityKind
from shared.contracts.scenario import ScenarioSpec
from shared.dialogue import segments
from shared.library import load_scenarios
from shared.library.lint import Finding, errors, lint, load_rules
from shared.library.lint.numbers import numbers
from shared.library.lint.subject import Subject
from shared.library.lint.text import count_sentences, spoken, word_line
from shared.library.skills import Seen, load_skill_roots, load_skills

ROOT = Path(__file__).resolve().parents[3]

Json = dict[str, Any]


@cache
def _example() -> str:
    text = (ROOT / "docs/scenarios.md").read_text(encoding="utf-8")
    return text.split("\n## Example\n")[1].split("```yaml\n")[1].split("```")[0]


def example() -> Json:
    raw: Json = yaml.safe_load(_example())
    return raw


def found(raw: Json, **options: Any) -> tuple[Finding, ...]:
    return lint(msgspec.convert(raw, ScenarioSpec), **options)


def put(path: str, value: Any) -> Callable[[Json], None]:
    """Return a change that sets one place; `-` as the last part appends, None takes away."""

    def change(raw: Json) -> None:
        *way, last = path.strip("/").split("/")
        place: Any = raw
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        if last == "-":
            place.append(value)
        elif isinstance(place, list):
            place[int(last)] = value
        elif value is None:
            del place[last]
        else:
            place[last] = value

    return change


def both(*changes: Callable[[Json], None]) -> Callable[[Json], None]:
    def change(raw: Json) -> None:
        for each in changes:
            each(raw)

    return change


FAULTS: list[tuple[str, str, Callable[[Json], None]]] = [
    ("too-big", "/brief", put("brief", "x" * 4001)),
    ("too-big", "/voice/press", put("voice/press", ["Well."] * 61)),
    ("too-big", "/facts/0/marks", put("facts/0/marks", ["wakes them"] * 9)),
    ("too-big", "/case", put("case", {f"slot{n}": "x" for n in range(101)})),
    ("duplicate-key", "/steps/1/key", put("steps/1/key", "identity")),
    ("duplicate-key", "/skills/3", put("skills/-", "relate.empathy")),
    ("reference-unknown", "/steps/0/before", put("steps/0/before", "nothing")),
    ("reference-unknown", "/resolutions/0/meets/0", put("resolutions/0/meets/0", "nothing")),
    ("reference-unknown", "/facts/0/after_twist", put("facts/0/after_twist", "nothing")),
    ("language-not-supported", "/language", put("language", "de")),
    ("rubric-unknown", "/rubric", put("rubric", "nothing")),
    ("skill-unknown", "/skills/0", put("skills/0", "relate.telepathy")),
    ("skill-not-observable", "/skills/0", put("skills/0", "lead.people_management")),
    ("skills-missing", "/skills", put("skills", [])),
    ("goals-few", "/goals", put("goals", ["One."])),
    ("openings-few", "/opening/lines", put("opening/lines", ["The washer."])),
    (
        "mind-not-of-temper",
        "/opening/mind/frustration",
        put("opening/mind/frustration", 40),
    ),
    ("leaves-at-once", "/opening/mind/patience", put("opening/mind/patience", 8)),
    (
        "leaves-at-once",
        "/opening/mind/frustration",
        both(put("opening/mind/patience", 20), put("opening/mind/frustration", 90)),
    ),
    ("trigger-missing", "/persona/triggers", put("persona/triggers", [])),
    ("soft-spot-missing", "/persona/soft_spots", put("persona/soft_spots", [])),
    ("trigger-is-soft-spot", "/persona/soft_spots/1", put("persona/triggers/-", "next_step")),
    ("soft-spot-hurts", "/persona/soft_spots/0", put("persona/soft_spots/0", "blame")),
    ("portrait-thin", "/persona", put("persona/calms", [])),
    (
        "touch-wrong-way",
        "/persona/warm_points/0/change/frustration",
        put("persona/warm_points/0/change/frustration", 3),
    ),
    ("insult-level-unknown", "/voice/insult/4", put("voice/insult/4", ["You."])),
    ("insult-unused", "/voice/insult/1", put("max_hostility", 0)),
    ("insult-missing", "/voice/insult", put("max_hostility", 2)),
    ("facts-missing", "/facts", put("facts", [])),
    (
        "fact-asks-for-nothing",
        "/facts/0",
        both(put("facts/0/needs_acts", []), put("facts/0/needs_topics", [])),
    ),
    ("fact-needs-harm", "/facts/0/needs_acts", put("facts/0/needs_acts", ["blame", "rush"])),
    ("fact-unreachable", "/facts/0", put("facts/0/min_trust", 97)),
    ("fact-unreachable", "/facts/0", put("facts/0/max_frustration", 2)),
    ("fact-unreachable", "/facts/1", put("facts/0/after_facts", ["landlord"])),
    (
        "fact-unreachable",
        "/facts/0",
        both(put("facts/0/after_twist", "neighbor"), put("twists/0/turn", 40)),
    ),
    ("first-fact-far", "/facts", both(put("facts/0/min_trust", 60), put("facts/1/min_trust", 66))),
    ("volunteer-too-soon", "/facts/1/volunteer_trust", put("facts/1/volunteer_trust", 52)),
    ("mark-missing", "/facts/0/marks", put("facts/0/marks", [])),
    ("mark-short", "/facts/0/marks/0", put("facts/0/marks", ["at"])),
    ("mark-not-in-text", "/facts/0/marks/0", put("facts/0/marks", ["violin"])),
    ("mark-in-public", "/facts/0/marks/0", put("voice/press/-", "It WAKES  them, you know.")),
    ("mark-in-public", "/facts/1/marks/0", put("facts/0/text", "It wakes them. The landlord.")),
    ("mark-in-public", "/facts/1/marks/0", put("brief", "His landlord.")),
    ("mark-in-public", "/facts/1/marks/0", put("case/cause", "the landlord, so he waits")),
    ("mark-in-public", "/facts/1/marks/0", put("facts/1/guard/0", "My landlord. Never mind.")),
    ("guard-missing", "/facts/0/guard", put("facts/0/guard", [])),
    ("reflected-missing", "/facts/0/reflected", put("facts/0/reflected", "")),
    ("reflected-shape", "/facts/0/reflected", put("facts/0/reflected", "It wakes them")),
    ("step-asks-for-nothing", "/steps/0/acts", put("steps/0/acts", [])),
    ("step-needs-harm", "/steps/0/acts", put("steps/0/acts", ["threaten"])),
    ("step-cycle", "/steps/0/before", put("steps/2/before", "identity")),
    ("step-not-in-case", "/steps/1/topics", put("steps/1/topics", ["violin"])),
    ("identity-answer-missing", "/answers", put("answers/0/acts", [])),
    ("twist-never-fires", "/twists/0", put("twists/0/turn", None)),
    ("twist-never-fires", "/twists/0", put("twists/0/turn", 30)),
    ("turns-few", "/max_turns", put("max_turns", 6)),
    ("resolution-missing", "/resolutions", put("resolutions", [])),
    (
        "resolution-asks-for-nothing",
        "/resolutions/0",
        both(put("resolutions/0/acts", []), put("resolutions/0/topics", [])),
    ),
    (
        "resolution-misses-itself",
        "/resolutions/0/topics",
        put("resolutions/0/topics", ["violin"]),
    ),
    ("resolution-unreachable", "/resolutions/1", put("facts/1/min_trust", 95)),
    ("resolution-unreachable", "/resolutions/0", put("resolutions/0/min_trust", 95)),
    ("resolution-unreachable", "/resolutions/0", put("resolutions/0/max_frustration", 1)),
    ("resolution-unreachable", "/resolutions/0", put("resolutions/0/needs_steps", ["no"])),
    ("resolution-unreachable", "/resolutions/0", put("steps/2/before", "identity")),
    (
        "resolution-unreachable",
        "/resolutions/0",
        both(
            put("resolutions/0/after_twist", "neighbor"),
            put("resolutions/0/until_twist", "neighbor"),
        ),
    ),
    (
        "resolution-after-leaving",
        "/resolutions/0/max_frustration",
        put("resolutions/0/max_frustration", 90),
    ),
    (
        "resolution-too-easy",
        "/resolutions/0",
        put(
            "resolutions/0",
            {"key": "gift", "title": "send a technician", "acts": ["offer"], "meets": ["quiet"]},
        ),
    ),
    (
        "resolutions-all-on-twist",
        "/resolutions",
        both(
            put("resolutions/0/until_twist", "neighbor"),
            put("resolutions/1/after_twist", "neighbor"),
        ),
    ),
    ("need-unmet", "/needs/1", put("resolutions/1/meets", ["quiet"])),
    ("needs-missing", "/needs", put("needs", [])),
    ("meets-nothing", "/resolutions/0/meets", put("resolutions/0/meets", [])),
    ("term-empty", "/resolutions/1/terms/0/policy_min", put("resolutions/1/terms/0/policy_min", 9000)),
    ("term-ranges-apart", "/resolutions/1/terms/0", put("resolutions/1/terms/0/accept_min", 7000)),
    ("term-title-outside", "/resolutions/0/terms/0", put("resolutions/0/title", "send a technician within a week")),
    ("term-title-silent", "/resolutions/0/terms/0", put("resolutions/0/title", "send a technician")),
    (
        "term-unbounded",
        "/resolutions/0/terms/0",
        put("resolutions/0/terms/0", {"kind": "days", "about": ["within"]}),
    ),
    (
        "policy-not-in-brief",
        "/resolutions/0/terms/0/policy_max",
        put("resolutions/0/terms/0/policy_max", 5),
    ),
    ("forbidden-hits-legitimate", "/forbidden/0/topics/1", put("forbidden/0/topics/-", "credit")),
    ("forbidden-hits-legitimate", "/forbidden/0/topics/1", put("forbidden/0/topics/-", "thursday")),
    ("forbidden-hits-legitimate", "/forbidden/0/topics/1", put("forbidden/0/topics/-", "no fee")),
    ("forbidden-misses-itself", "/forbidden/0/topics", put("forbidden/0/topics", ["violin"])),
    ("stem-never-matches", "/facts/0/needs_topics/0", put("facts/0/needs_topics/0", "Affect")),
    ("stem-never-matches", "/facts/0/needs_topics/0", put("facts/0/needs_topics/0", "$40")),
    ("stem-short", "/facts/0/needs_topics/0", put("facts/0/needs_topics/0", "af")),
    ("slot-unknown", "/voice/press/0", put("voice/press/0", "And {nothing}?")),
    ("slot-broken", "/voice/press/0", put("voice/press/0", "And {my_topic?")),
    ("slot-broken", "/case/topic", put("case/topic", "the {company} squeak")),
    ("case-slot-missing", "/case/upsell", put("case/upsell", None)),
    ("case-slot-shape", "/case/promise", put("case/promise", "I'll call you.")),
    ("line-blank", "/voice/press/0", put("voice/press/0", " ")),
    ("line-blank", "/brief", put("brief", "")),
    ("line-twice", "/voice/press/1", put("voice/press/-", "So what happens NOW?")),
    ("line-in-two-banks", "/voice/press/0", put("voice/vent/-", "So what happens now?")),
    ("line-long", "/voice/press/0", put("voice/press/0", "I see it. You see it. He sees it. We see it. They see it.")),
    ("bank-empty", "/voice", put("voice/vent", [])),
    ("last-line-missing", "/voice", put("voice/idle", [])),
]  # fmt: skip


def test_the_example_has_no_faults() -> None:
    assert found(example()) == ()


@pytest.mark.parametrize(
    ("code", "path", "change"), FAULTS, ids=[f"{code} {path}" for code, path, _ in FAULTS]
)
def test_a_fault_is_found_where_it_is(code: str, path: str, change: Callable[[Json], None]) -> None:
    raw = copy.deepcopy(example())
    change(raw)
    findings = [each for each in found(raw) if each.code == code]
    assert path in [each.path for each in findings]
    for finding in findings:
        assert finding.severity == load_rules()[code].severity
        assert finding.advice == load_rules()[code].advice
        assert finding.message


def test_every_rule_is_shown() -> None:
    assert {code for code, _, _ in FAULTS} == set(load_rules())
    assert len(load_rules()) >= 25


def test_errors_come_first() -> None:
    raw = example()
    raw["skills"], raw["language"] = [], "fr"
    findings = found(raw)
    assert [each.code for each in findings] == ["language-not-supported", "skills-missing"]
    assert errors(findings) == findings[:1]
    assert "what is spoken may be another language" in findings[0].advice


def test_rubrics_are_those_given() -> None:
    assert [each.code for each in found(example(), rubrics=["own"])] == ["rubric-unknown"]
    assert found(example(), rubrics=["support"]) == ()


def test_a_text_that_waits_for_the_fact_may_name_it() -> None:
    raw = example()
    raw["facts"][1]["text"] = "The landlord says it wakes them all."
    raw["twists"][0] |= {"lines": ["Now it wakes them again."], "after_fact": "sleeping_children"}
    del raw["twists"][0]["turn"]
    assert found(raw) == ()


def test_a_twist_opens_the_way_to_facts_and_resolutions() -> None:
    raw = example()
    raw["facts"][0]["after_twist"] = "neighbor"
    raw["resolutions"][1]["after_twist"] = "neighbor"
    assert found(raw) == ()
    subject = Subject(msgspec.convert(raw, ScenarioSpec), frozenset({"support"}))
    assert subject.facts == {"sleeping_children", "landlord"}
    assert subject.twists == {"neighbor"}


def test_what_is_too_big_is_looked_at_no_further() -> None:
    raw = example()
    raw["facts"] = [raw["facts"][0] | {"key": f"fact_{n}"} for n in range(21)]
    raw["language"] = "de"
    assert {each.code for each in found(raw)} == {"too-big"}


@pytest.mark.parametrize("spec", load_scenarios(), ids=lambda spec: spec.slug)
class TestLibrary:
    def test_words_are_read_as_the_analyzer_reads_them(self, spec: ScenarioSpec) -> None:
        for line in spoken(spec):
            assert word_line(line.text) == segments.word_line(line.text)

    def test_no_errors(self, spec: ScenarioSpec) -> None:
        assert [f"{x.code} {x.path}: {x.message}" for x in errors(lint(spec))] == []


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("credit $1,312.40 and $15 more", QuantityKind.MONEY, [131_240, 1_500]),
        ("take forty dollars or twelve hundred dollars", QuantityKind.MONEY, [4_000, 120_000]),
        ("ten percent, or 12.5%, or 7 %", QuantityKind.PERCENT, [10, 12, 7]),
        ("within 48 hours, in an hour", QuantityKind.HOURS, [48, 1]),
        ("in three days, a two-week trial, a fortnight", QuantityKind.DAYS, [3, 14]),
        ("twenty-four months, a year, six equal payments", QuantityKind.MONTHS, [24, 12, 6]),
        ("$39 a month, twice a year, for a year", QuantityKind.MONTHS, [12]),
        ("any of that, and canvas", QuantityKind.DAYS, []),
    ],
)
def test_numbers_of_a_text(text: str, kind: QuantityKind, values: list[int]) -> None:
    assert sorted(x.value for x in numbers(text) if x.kind is kind) == sorted(values)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Fine. Okay then.", 0),
        ("I said no. You said yes", 2),
        ("Mr. Raman called at nine p.m. today.", 1),
        ("What is it?! I, um, no... fine by me.", 3),
        ('He said "no." Then he left. Twice.', 2),
    ],
)
def test_sentences_are_counted(text: str, count: int) -> None:
    assert count_sentences(text) == count


class TestSkills:
    def test_nine_roots_and_42_keys(self) -> None:
        assert len(load_skill_roots()) == 9
        assert len(load_skills()) == 42

    def test_each_is_told(self) -> None:
        for key, skill in load_skills().items():
            assert skill.seen, key
            assert skill.definition.endswith(".")
            assert skill.name[0].isupper()

    def test_most_are_seen_in_one_conversation(self) -> None:
        unseen = {key for key, skill in load_skills().items() if Seen.TRANSCRIPT not in skill.seen}
        assert unseen == {
            "lead.people_management",
            "own.work_ethic",
            "own.goal_orientation",
            "grow.growth_mindset",
            "grow.feedback_openness",
        }

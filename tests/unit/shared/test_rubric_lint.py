"""Every rule of the linter, shown on the example of the documentation with one thing changed."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from shared.contracts.rubric import RubricSpec
from shared.library.findings import Finding
from shared.library.rubric_lint import errors, lint, load_rules
from shared.library.rubrics import load_rubrics

ROOT = Path(__file__).resolve().parents[3]

Json = dict[str, Any]
Change = Callable[[Json], None]

EMPATHY = "sections/0/criteria/0"
HEAT = "sections/0/criteria/1"
PROCESS = "sections/1/criteria/0"
SOLVING = "sections/1/criteria/1"
BONUS = "sections/1/criteria/2"


@cache
def _example() -> str:
    text = (ROOT / "docs/rubrics.md").read_text(encoding="utf-8")
    return text.split("\n## Example\n")[1].split("```yaml\n")[1].split("```")[0]


def example() -> Json:
    raw: Json = yaml.safe_load(_example())
    return raw


def found(raw: Json, **options: Any) -> tuple[Finding, ...]:
    return lint(msgspec.convert(raw, RubricSpec), **options)


def put(path: str, value: Any) -> Change:
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


def both(*changes: Change) -> Change:
    def change(raw: Json) -> None:
        for each in changes:
            each(raw)

    return change


def indicator(key: str, **fields: Any) -> Json:
    return {"key": key, "polarity": "good", "weight": 50, "title": f"Does {key}"} | fields


def every(field: str, value: Any) -> Change:
    """Return a change of all criteria."""

    def change(raw: Json) -> None:
        for section in raw["sections"]:
            for criterion in section["criteria"]:
                criterion[field] = value

    return change


def many(count: int) -> Change:
    """Return a change that makes a form of so many criteria."""

    def change(raw: Json) -> None:
        one = raw["sections"][0]["criteria"][0]
        raw["sections"] = [
            {
                "key": f"s{section}",
                "title": f"S{section}",
                "weight": 10,
                "criteria": [one | {"key": f"c{section}_{n}"} for n in range(40)],
            }
            for section in range(count // 40)
        ]

    return change


FAULTS: list[tuple[str, str, Change]] = [
    ("too-big", "/sections", many(160)),
    (
        "too-big",
        f"/{EMPATHY}/skills",
        put(f"{EMPATHY}/skills", {f"relate.s{n}": 10 for n in range(11)}),
    ),
    (
        "too-big",
        f"/{PROCESS}/auto_fail/indicators",
        put(f"{PROCESS}/auto_fail/indicators", ["asks_for_secret"] * 41),
    ),
    ("duplicate-key", "/sections/1/key", put("sections/1/key", "person")),
    ("duplicate-key", f"/{SOLVING}/key", put(f"{SOLVING}/key", "empathy")),
    (
        "duplicate-indicator",
        f"/{SOLVING}/indicators/3/key",
        put(f"{SOLVING}/indicators/-", indicator("offers_option", weight=1)),
    ),
    (
        "duplicate-indicator",
        f"/{PROCESS}/auto_fail/indicators/1",
        put(f"{PROCESS}/auto_fail/indicators/-", "asks_for_secret"),
    ),
    ("duplicate-title", "/sections/1/title", put("sections/1/title", "the  Person")),
    ("duplicate-title", f"/{SOLVING}/title", put(f"{SOLVING}/title", "Empathy")),
    (
        "duplicate-title",
        f"/{SOLVING}/indicators/1/title",
        put(f"{SOLVING}/indicators/1/title", "Offers a way out"),
    ),
    ("language-not-supported", "/language", put("language", "de")),
    ("skill-unknown", f"/{SOLVING}/skill", put(f"{SOLVING}/skill", "solve.magic")),
    (
        "skill-unknown",
        f"/{EMPATHY}/skills/relate.telepathy",
        put(f"{EMPATHY}/skills/relate.telepathy", 5),
    ),
    (
        "skill-not-observable",
        f"/{EMPATHY}/skills/grow.growth_mindset",
        put(f"{EMPATHY}/skills/grow.growth_mindset", 5),
    ),
    (
        "skill-map-lacks-main",
        f"/{EMPATHY}/skills",
        put(f"{EMPATHY}/skills", {"relate.courtesy": 80}),
    ),
    (
        "skill-map-main-small",
        f"/{EMPATHY}/skills/relate.emotional_intelligence",
        put(f"{EMPATHY}/skills/relate.emotional_intelligence", 90),
    ),
    ("indicator-unknown", f"/{SOLVING}/indicators/0/key", put(f"{SOLVING}/indicators/0/key", "x")),
    (
        "indicator-polarity",
        f"/{SOLVING}/indicators/2/polarity",
        put(f"{SOLVING}/indicators/2/polarity", "good"),
    ),
    ("description-missing", "/description", put("description", " ")),
    ("compound-title", f"/{SOLVING}/title", put(f"{SOLVING}/title", "Greets and verifies")),
    (
        "compound-title",
        f"/{PROCESS}/indicators/0/title",
        put(f"{PROCESS}/indicators/0/title", "The agent politely greets, then asks for the name"),
    ),
    (
        "double-question",
        f"/{PROCESS}/indicators/0/title",
        put(f"{PROCESS}/indicators/0/title", "Did the agent greet and verify the caller?"),
    ),
    ("double-question", f"/{HEAT}/title", put(f"{HEAT}/title", "Was it calm? Was it short?")),
    ("joined-title", f"/{HEAT}/title", put(f"{HEAT}/title", "Patience / composure")),
    (
        "undefined-title",
        f"/{HEAT}/title",
        both(put(f"{HEAT}/title", "Soft skills"), put(f"{HEAT}/help_text", "")),
    ),
    (
        "undefined-title",
        f"/{SOLVING}/indicators/0/title",
        both(
            put(f"{SOLVING}/indicators/0/title", "Shows a professional manner"),
            put(f"{SOLVING}/help_text", "Be professional at all times."),
        ),
    ),
    (
        "vague-term",
        f"/{SOLVING}/indicators/0/title",
        put(f"{SOLVING}/indicators/0/title", "Offers an appropriate way out"),
    ),
    (
        "absolute-term",
        f"/{SOLVING}/indicators/0/title",
        put(f"{SOLVING}/indicators/0/title", "Always offers a way out"),
    ),
    (
        "state-of-mind",
        f"/{EMPATHY}/indicators/0/title",
        put(f"{EMPATHY}/indicators/0/title", "Genuinely names the annoyance"),
    ),
    (
        "not-in-text",
        f"/{PROCESS}/indicators/0/title",
        put(f"{PROCESS}/indicators/0/title", "Greets with a smile"),
    ),
    (
        "acronym-undefined",
        f"/{PROCESS}/indicators/1/title",
        put(f"{PROCESS}/indicators/1/title", "Runs the KYC check"),
    ),
    (
        "negated-title",
        f"/{HEAT}/indicators/0/title",
        put(f"{HEAT}/indicators/0/title", "Does not argue"),
    ),
    ("title-long", f"/{HEAT}/title", put(f"{HEAT}/title", "Heat " * 15)),
    (
        "criterion-unexplained",
        f"/{SOLVING}",
        put(f"{SOLVING}/help_text", ""),
    ),
    ("comment-unguided", f"/{PROCESS}/help_text", put(f"{PROCESS}/help_text", "")),
    (
        "condition-unknown",
        f"/{HEAT}/enable_if/criterion",
        put(f"{HEAT}/enable_if/criterion", "nothing"),
    ),
    (
        "condition-on-itself",
        f"/{HEAT}/enable_if/criterion",
        put(f"{HEAT}/enable_if/criterion", "deescalation"),
    ),
    (
        "condition-on-later",
        f"/{HEAT}/enable_if/criterion",
        put(f"{HEAT}/enable_if/criterion", "solving"),
    ),
    (
        "condition-on-bonus",
        f"/{HEAT}/enable_if/criterion",
        put(f"{EMPATHY}/kind", "bonus"),
    ),
    ("condition-empty", f"/{HEAT}/enable_if", put(f"{HEAT}/enable_if/had_opportunity", None)),
    (
        "condition-contradicts",
        f"/{HEAT}/enable_if",
        put(f"{HEAT}/enable_if", {"criterion": "empathy", "at_least": 60, "below": 60}),
    ),
    (
        "condition-contradicts",
        f"/{HEAT}/enable_if",
        put(f"{HEAT}/enable_if", {"criterion": "empathy", "below": 0}),
    ),
    (
        "condition-contradicts",
        f"/{HEAT}/enable_if",
        put(
            f"{HEAT}/enable_if", {"criterion": "empathy", "had_opportunity": False, "at_least": 40}
        ),
    ),
    (
        "condition-empty-bound",
        f"/{HEAT}/enable_if/at_least",
        put(f"{HEAT}/enable_if", {"criterion": "empathy", "at_least": 0}),
    ),
    (
        "condition-dead",
        f"/{HEAT}/enable_if",
        both(
            put(f"{EMPATHY}/skill", "team.teamwork"),
            put(f"{EMPATHY}/skill", "grow.feedback_openness"),
            put(f"{EMPATHY}/skills", {}),
            put(f"{HEAT}/enable_if", {"criterion": "empathy", "at_least": 40}),
        ),
    ),
    (
        "condition-dead",
        f"/{SOLVING}/enable_if",
        both(
            put(f"{HEAT}/enable_if", {"criterion": "empathy", "at_least": 60, "below": 50}),
            put(f"{SOLVING}/enable_if", {"criterion": "deescalation", "below": 40}),
        ),
    ),
    ("never-scored", f"/{SOLVING}", put(f"{SOLVING}/skill", "own.work_ethic")),
    (
        "never-scored",
        f"/{SOLVING}",
        put(f"{SOLVING}/indicators", [indicator("recaps"), indicator("dead_end", polarity="bad")]),
    ),
    ("form-without-base", "/sections", every("kind", "bonus")),
    (
        "form-without-base",
        "/sections",
        both(put("kind", "points"), every("kind", "penalty")),
    ),
    (
        "section-without-base",
        "/sections/0",
        both(put(f"{EMPATHY}/kind", "bonus"), put(f"{HEAT}/kind", "bonus")),
    ),
    (
        "only-bad",
        f"/{SOLVING}/indicators",
        put(f"{SOLVING}/indicators", [indicator("dead_end", polarity="bad")]),
    ),
    (
        "bonus-for-nothing",
        f"/{BONUS}/indicators",
        put(f"{BONUS}/indicators", [indicator("dead_end", polarity="bad")]),
    ),
    ("penalty-on-good", f"/{BONUS}/indicators", put(f"{BONUS}/kind", "penalty")),
    (
        "bonus-over-100",
        "/sections",
        both(put(f"{HEAT}/kind", "bonus"), put(f"{BONUS}/weight", 70)),
    ),
    ("bonus-large", "/sections", put(f"{BONUS}/weight", 21)),
    ("weights-off-100", "/sections", put("sections/0/weight", 45)),
    ("weights-off-100", "/sections/0/criteria", put(f"{EMPATHY}/weight", 50)),
    ("weights-off-100", f"/{HEAT}/indicators", put(f"{HEAT}/indicators/0/weight", 45)),
    ("section-weight-unused", "/sections", put("kind", "points")),
    (
        "criterion-immaterial",
        f"/{HEAT}/weight",
        both(put(f"{EMPATHY}/weight", 97), put(f"{HEAT}/weight", 3)),
    ),
    (
        "criterion-dominates",
        f"/{SOLVING}/weight",
        both(put("sections/0/weight", 10), put(f"{PROCESS}/weight", 10)),
    ),
    (
        "indicator-immaterial",
        f"/{HEAT}/indicators/0/weight",
        both(put(f"{HEAT}/indicators/0/weight", 2), put(f"{HEAT}/indicators/1/weight", 98)),
    ),
    (
        "indicator-everywhere",
        "/sections",
        both(
            *(
                put(f"{place}/indicators/-", indicator("explains", weight=10))
                for place in (EMPATHY, HEAT, SOLVING, BONUS)
            )
        ),
    ),
    (
        "full-at-unused",
        f"/{PROCESS}/indicators/0/full_at",
        put(f"{PROCESS}/indicators/0/full_at", 50),
    ),
    (
        "full-at-high",
        f"/{SOLVING}/indicators/2/full_at",
        put(f"{SOLVING}/indicators/2/full_at", 100),
    ),
    ("auto-fail-empty", f"/{PROCESS}/auto_fail", put(f"{PROCESS}/auto_fail/indicators", [])),
    (
        "auto-fail-unknown",
        f"/{PROCESS}/auto_fail/indicators/0",
        put(f"{PROCESS}/auto_fail/indicators", ["threatens"]),
    ),
    (
        "auto-fail-on-good",
        f"/{PROCESS}/auto_fail/indicators/0",
        put(f"{PROCESS}/auto_fail/indicators", ["greets"]),
    ),
    ("auto-fail-below-zero", f"/{PROCESS}/auto_fail/below", put(f"{PROCESS}/auto_fail/below", 0)),
    ("auto-fail-passes", f"/{PROCESS}/auto_fail/cap", put(f"{PROCESS}/auto_fail/cap", 70)),
    (
        "auto-fail-on-bonus",
        f"/{BONUS}/auto_fail",
        put(f"{BONUS}/auto_fail", {"below": 10}),
    ),
    (
        "critical-left-out",
        f"/{PROCESS}/na_allowed",
        put(f"{PROCESS}/na_allowed", value=True),
    ),
    ("critical-not-base", f"/{BONUS}/critical", put(f"{BONUS}/critical", value=True)),
    (
        "levels-without-zero",
        f"/{EMPATHY}/anchors/0/from_score",
        put(f"{EMPATHY}/anchors/0/from_score", 10),
    ),
    ("levels-without-zero", "/bands/0/from_score", put("bands/0/from_score", 5)),
    ("levels-not-ascending", "/bands/2/from_score", put("bands/1/from_score", 75)),
    ("levels-duplicate", "/bands/1/from_score", put("bands/1/from_score", 0)),
    ("levels-label-twice", "/bands/1/label", put("bands/1/label", "needs practice")),
    (
        "levels-few",
        f"/{EMPATHY}/anchors",
        put(f"{EMPATHY}/anchors", [{"from_score": 0, "label": "Any", "text": "Anything."}]),
    ),
    ("anchor-text-missing", f"/{EMPATHY}/anchors/1/text", put(f"{EMPATHY}/anchors/1/text", "")),
    ("bands-missing", "/bands", put("bands", [])),
    ("target-extreme", "/target", put("target", 100)),
    ("target-inside-band", "/target", put("target", 75)),
]


@pytest.mark.parametrize(
    ("code", "path", "change"), FAULTS, ids=[f"{n}-{fault[0]}" for n, fault in enumerate(FAULTS)]
)
def test_one_thing_changed_is_found(code: str, path: str, change: Change) -> None:
    raw = example()
    change(raw)
    here = [each for each in found(raw) if (each.code, each.path) == (code, path)]
    assert len(here) == 1, [(each.code, each.path) for each in found(raw)]
    rule = load_rules()[code]
    assert (here[0].severity, here[0].advice) == (rule.severity, rule.advice)
    assert here[0].message


def test_every_rule_is_shown() -> None:
    tenants = {"roots-missing"}
    assert {fault[0] for fault in FAULTS} | tenants == set(load_rules())
    assert len(load_rules()) >= 40


def test_the_example_is_clean() -> None:
    assert found(example()) == ()


@pytest.mark.parametrize("spec", load_rubrics(), ids=lambda spec: spec.slug)
def test_the_library_is_clean(spec: RubricSpec) -> None:
    assert [f"{each.path}: {each.code}: {each.message}" for each in lint(spec)] == []


def test_errors_come_first() -> None:
    raw = example()
    both(put("description", ""), put("target", 60), put(f"{PROCESS}/auto_fail/cap", 90))(raw)
    severities = [each.severity for each in found(raw)]
    assert severities == ["error", "warning", "warning"]
    assert [each.code for each in errors(found(raw))] == ["auto-fail-passes"]


class TestTenantSkills:
    def test_a_skill_of_the_tenant_is_known(self) -> None:
        raw = example()
        put(f"{SOLVING}/skill", "solve.bike_knowledge")(raw)
        assert [each.code for each in found(raw)] == ["skill-unknown"]
        assert found(raw, tenant_skills={"solve.bike_knowledge"}) == ()

    def test_a_form_outside_the_nine_roots_reaches_no_report(self) -> None:
        raw = example()
        both(every("skill", "acme.shine"), every("skills", {}))(raw)
        assert [each.code for each in found(raw, tenant_skills={"acme.shine"})] == ["roots-missing"]


def test_a_large_rubric_is_checked_no_further() -> None:
    raw = example()
    both(put("language", "de"), many(160))(raw)
    assert {each.code for each in found(raw)} == {"too-big"}


def test_sections_of_equal_weight_are_fine_in_a_points_form() -> None:
    raw = example()
    both(put("kind", "points"), *(put(f"sections/{n}/weight", 1) for n in range(2)))(raw)
    assert found(raw) == ()


def test_shares_of_any_sum_are_fine() -> None:
    raw = example()
    both(put("sections/0/weight", 2), put("sections/1/weight", 3))(raw)
    assert found(raw) == ()


def test_a_language_with_a_region_is_the_language() -> None:
    raw = example()
    put("language", "en-GB")(raw)
    assert found(raw) == ()

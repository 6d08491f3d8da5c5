"""Next practice on planted cases: the weak skill, the right difficulty, not the same again."""

from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest

from services.reporting.trends.next_practice import (
    BOTH,
    SAID,
    SCORED,
    Option,
    choose,
    ease_of,
    expected_in,
    fittest,
    level_of,
    outlook,
    weak_first,
)
from services.reporting.trends.proficiency import Level, Unknown, tier_of

TODAY = date(2026, 9, 30)


def level(skill: str, score: float, n: int = 6) -> Level:
    return Level(
        skill=skill,
        n=n,
        newest=TODAY,
        score=score,
        low=score - 5,
        high=score + 5,
        tier=tier_of(score),
        confidence="medium",
    )


def option(
    slug: str,
    *skills: str,
    ease: float = 0.0,
    how_well: float = BOTH,
    days_ago: int | None = None,
    pass_mark: int = 70,
) -> Option:
    return Option(
        scenario_id=UUID(bytes=slug.encode().ljust(16, b".")[:16]),
        slug=slug,
        title=slug.title(),
        role="support",
        difficulty=3,
        pass_mark=pass_mark,
        skills=dict.fromkeys(skills, how_well),
        ease=ease,
        is_measured=True,
        handle_time_s=600,
        last_played=None if days_ago is None else TODAY - timedelta(days=days_ago),
    )


def chosen(options: list[Option], *known: Level, mean: float = 65, amount: int = 3) -> list[str]:
    found = choose(weak_first(known, ()), options, level=mean, today=TODAY, amount=amount)
    return [f"{each.skill} in {each.option.slug}" for each in found]


def test_the_weakest_skill_comes_first() -> None:
    options = [option("calm", "relate.empathy"), option("plain", "communicate.clarity")]
    known = [level("communicate.clarity", 62), level("relate.empathy", 48), level("solve.path", 91)]

    assert chosen(options, *known) == ["relate.empathy in calm", "communicate.clarity in plain"]


def test_a_skill_that_was_seen_too_rarely_comes_after_the_weak_ones() -> None:
    rare = Unknown(skill="solve.path", n=1, newest=TODAY)
    wanted = weak_first([level("relate.empathy", 60)], [rare])
    options = [option("calm", "relate.empathy"), option("route", "solve.path")]
    found = choose(wanted, options, level=65, today=TODAY, amount=3)

    assert [(each.why, each.score, each.n) for each in found] == [
        ("improve", 60, 6),
        ("observe", None, 1),
    ]


@pytest.mark.parametrize(("mean", "slug"), [(50, "easy"), (70, "middle"), (88, "hard")])
def test_the_expected_score_is_nearest_to_the_pass_mark(mean: float, slug: str) -> None:
    options = [
        option("hard", "relate.empathy", ease=-15),
        option("middle", "relate.empathy"),
        option("easy", "relate.empathy", ease=15),
    ]

    assert chosen(options, level("relate.empathy", 60), mean=mean) == [f"relate.empathy in {slug}"]


def test_each_scenario_has_its_own_pass_mark() -> None:
    options = [
        option("lenient", "relate.empathy", pass_mark=60),
        option("strict", "relate.empathy", pass_mark=80),
    ]

    assert chosen(options, level("relate.empathy", 60), mean=62) == ["relate.empathy in lenient"]
    assert chosen(options, level("relate.empathy", 60), mean=78) == ["relate.empathy in strict"]


def test_what_was_played_lately_rests() -> None:
    played = option("calm", "relate.empathy", days_ago=13)
    other = option("far", "relate.empathy", ease=-20)

    assert chosen([played, other], level("relate.empathy", 60)) == ["relate.empathy in far"]
    rested = option("calm", "relate.empathy", days_ago=14)
    assert chosen([rested, other], level("relate.empathy", 60)) == ["relate.empathy in calm"]


def test_unless_nothing_else_exercises_the_skill() -> None:
    played = option("calm", "relate.empathy", days_ago=1)
    wanted = weak_first([level("relate.empathy", 60)], ())
    (found,) = choose(wanted, [played], level=65, today=TODAY, amount=1)

    assert not found.is_rested


def test_a_scenario_made_for_the_skill_beats_one_that_merely_scores_it() -> None:
    options = [
        option("scored", "relate.empathy", how_well=SCORED),
        option("said", "relate.empathy", how_well=SAID, ease=-2),
        option("both", "relate.empathy", ease=-4),
    ]

    assert chosen(options, level("relate.empathy", 60), mean=70) == ["relate.empathy in both"]


def test_one_scenario_is_advised_once() -> None:
    options = [option("calm", "relate.empathy", "relate.patience")]
    known = [level("relate.empathy", 50), level("relate.patience", 55)]

    assert chosen(options, *known) == ["relate.empathy in calm"]


def test_strong_skills_need_no_practice() -> None:
    assert chosen([option("calm", "relate.empathy")], level("relate.empathy", 75)) == []


def test_the_same_data_give_the_same_answer() -> None:
    options = [option(slug, "relate.empathy") for slug in ("b", "a", "c")]

    assert chosen(options, level("relate.empathy", 60)) == ["relate.empathy in a"]
    assert chosen(options[::-1], level("relate.empathy", 60)) == ["relate.empathy in a"]
    best = fittest(options, "relate.empathy", level=65)
    assert best is not None
    assert best.slug == "a"
    assert fittest(options, "solve.path", level=65) is None


def test_ease_is_believed_until_people_have_played() -> None:
    assert [ease_of(each, None, 0) for each in (1, 3, 5)] == [10, 0, -10]
    assert ease_of(5, 8.0, 5) == -1  # half belief, half what was seen
    assert ease_of(5, 8.0, 95) == pytest.approx(7.1)


def test_a_level_takes_the_scenarios_into_account() -> None:
    assert level_of([], 62) == 62
    hard = [(1.0, 60.0, -20.0)] * 18
    assert level_of(hard, 60) == pytest.approx(78)  # 80 in an average scenario, pulled to 60
    recent, old = (1.0, 90.0, 0.0), (0.01, 10.0, 0.0)
    assert level_of([recent] * 8 + [old] * 8, 60) > 80


def test_expected_scores_stay_on_the_scale() -> None:
    assert expected_in(95, option("easy", ease=15)) == 100
    assert expected_in(5, option("hard", ease=-15)) == 0


def test_what_nobody_played_is_judged_by_its_difficulty_and_says_so() -> None:
    known = option("late_parcel", "relate.empathy")
    unknown = msgspec.structs.replace(known, is_measured=False)
    assert outlook(61.5, known, "an average learner") == (
        "an average learner gets about 61.5 there, where 70 passes"
    )
    assert "its difficulty suggests about 61.5" in outlook(61.5, unknown, "an average learner")

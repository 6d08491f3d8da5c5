"""`docs/abstention.md` holds every table; real conversations go through the same arithmetic."""

import re
from fractions import Fraction
from functools import cache

import pytest

from infra.coverage.__main__ import DOCUMENT
from infra.coverage.conversations import BLEND, LEARNERS, Sample, SkillAnswer, play_scenario
from infra.coverage.decision_tables import AIM
from infra.coverage.decisions import with_band
from infra.coverage.page import tables
from infra.coverage.skills import repeats_by_skill
from services.sim_worker.engine.learners import PROFILES
from shared.contracts.scoring import SkillStatus
from shared.library import load_scenarios
from shared.library.markdown import put_tables
from shared.library.skills import Seen, load_skills


@cache
def played() -> tuple[Sample, ...]:
    """Return a few conversations of one scenario."""
    profiles = ("skilled", "average", "pushover", BLEND)
    return tuple(play_scenario(load_scenarios()[0], profiles=profiles, seeds=(1, 2)))


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table, without its rule."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [line for line in cells if set("".join(line)) != {"-"}]


def written(name: str) -> list[list[str]]:
    text = DOCUMENT.read_text("utf-8")
    return rows(text.split(f"<!-- {name}:begin -->\n")[1].split(f"<!-- {name}:end -->")[0])


class TestDocument:
    @pytest.mark.parametrize(
        "name",
        [
            "decisions",
            "curve",
            "bands",
            "targets",
            "profiles",
            "confidences",
            "reasons",
            "skills",
        ],
    )
    def test_every_table_is_there_with_todays_columns(self, name: str) -> None:
        made, shown = rows(tables(played())[name]()), written(name)
        assert shown[0] == made[0]
        assert len(shown) > 2
        assert {len(line) for line in shown} == {len(made[0])}

    def test_rows_are_those_of_today(self) -> None:
        made = {name: rows(make()) for name, make in tables(played()).items()}
        for name in ("decisions", "curve", "bands", "targets", "skills"):
            assert [line[0] for line in written(name)] == [line[0] for line in made[name]]
        assert [line[0].strip("`") for line in written("profiles")[1:]] == list(LEARNERS)

    def test_it_was_made_from_the_whole_library(self) -> None:
        conversations = dict(line[:2] for line in written("decisions"))["Conversations"]
        kinds = len(load_scenarios()) * len(LEARNERS)
        assert int(conversations) >= 4 * kinds
        assert int(conversations) % kinds == 0

    def test_decisions_outside_the_band_repeat(self) -> None:
        cells = dict(line[:2] for line in written("decisions"))["same decision twice"]
        found = re.fullmatch(r"[\d.]+ % \((\d+) of (\d+)\)", cells)
        assert found is not None
        assert int(found[2]) > 500
        assert Fraction(int(found[1]), int(found[2])) >= AIM

    def test_writing_twice_changes_nothing(self) -> None:
        made = tables(played())
        once = put_tables(DOCUMENT.read_text("utf-8"), made)
        assert made["bands"]() in once
        assert put_tables(once, made) == once


class TestConversations:
    def test_kinds_and_order(self) -> None:
        assert [(each.profile, each.seed) for each in played()] == [
            (profile, seed)
            for profile in ("skilled", "average", "pushover", BLEND)
            for seed in (1, 2)
        ]

    def test_the_band_as_it_is_decides_as_the_judge_does(self) -> None:
        as_it_is = with_band(Fraction(1))
        assert [as_it_is(each) for each in played()] == [each.passed for each in played()]

    def test_the_blend_is_neither(self) -> None:
        totals = {(each.profile, each.seed): each.overall for each in played()}
        assert totals[BLEND, 1] not in {totals["skilled", 1], totals["average", 1]}
        assert all(part in PROFILES for part in BLEND.split("+"))

    def test_the_same_seed_gives_the_same(self) -> None:
        again = play_scenario(load_scenarios()[0], profiles=("average",), seeds=(2,))
        assert list(again) == [each for each in played() if each.kind[1:] == ("average",)][1:]


class TestSkills:
    def answers(self, *given: tuple[SkillStatus, int | None, int]) -> list[Sample]:
        return [
            Sample(
                scenario="s",
                profile="p",
                seed=seed,
                target=70,
                overall=None,
                interval=None,
                confidence=0,
                passed=None,
                needs_review=(),
                skills=(SkillAnswer(skill="a.b", status=status, score=score, confidence=sure),),
            )
            for seed, (status, score, sure) in enumerate(given)
        ]

    def test_counts_and_couples(self) -> None:
        (found,) = repeats_by_skill(
            self.answers(
                (SkillStatus.SCORED, 50, 90),
                (SkillStatus.SCORED, 60, 80),
                (SkillStatus.SCORED, 90, 10),
                (SkillStatus.NO_OPPORTUNITY, None, 0),
                (SkillStatus.INSUFFICIENT_EVIDENCE, None, 0),
            )
        )
        assert (found.conversations, found.scored) == (5, 3)
        assert (found.no_opportunity, found.insufficient_evidence) == (1, 1)
        assert (found.couples, found.same) == (10, 4)
        assert found.agreement == 0.4
        assert found.gap_surer == 10  # 50 and 60
        assert found.gap_less_sure == 30  # 60 and 90, the last one

    def test_one_number_has_no_gap(self) -> None:
        (found,) = repeats_by_skill(
            self.answers((SkillStatus.SCORED, 50, 90), (SkillStatus.NO_OPPORTUNITY, None, 0))
        )
        assert (found.gap_surer, found.gap_less_sure) == (None, None)

    def test_what_nobody_can_see_is_left_out(self) -> None:
        assert repeats_by_skill(self.answers((SkillStatus.NOT_OBSERVABLE, None, 0))) == []
        shown = {each.skill for each in repeats_by_skill(played())}
        hidden = {key for key, skill in load_skills().items() if Seen.TRANSCRIPT not in skill.seen}
        assert len(shown) > 20
        assert hidden
        assert shown.isdisjoint(hidden)

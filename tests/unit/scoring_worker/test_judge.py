"""What the judge promises: repeatable, ordered by quality, honest about what it cannot see."""

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from services.scoring_worker.judging.detectors.registry import DETECTORS, UnknownIndicatorError
from services.scoring_worker.judging.judge import indicator_rates, judge, raw_points
from services.scoring_worker.judging.review import CONFIDENT_FROM
from shared.contracts.dialogue import Act
from shared.contracts.rubric import Criterion, Indicator, Polarity, RubricSpec, Section
from shared.contracts.scenario import Step
from shared.contracts.scoring import JudgeResult, SkillStatus, Transcript, TranscriptTurn, Verdict
from shared.library.rubrics import load_rubrics

ROLES = ("support", "sales", "fraud", "collections")

NOTHING_SEEN = 48
"""Raw points of a criterion without a single occasion."""

CORE = {
    "relate.empathy",
    "relate.patience",
    "understand.active_listening",
    "communicate.clarity",
    "solve.path",
    "own.process_adherence",
}


def scores(result: JudgeResult) -> dict[str, int | None]:
    return {item.key: item.score for item in result.criteria}


class TestQuality:
    @pytest.mark.parametrize("role", ROLES)
    def test_orders_good_average_bad(self, talks, role):
        good, average, bad = (
            judge(talks.get(role, quality), talks.rubric(role)).overall
            for quality in ("good", "average", "bad")
        )
        assert good is not None
        assert average is not None
        assert bad is not None
        assert good > average > bad
        assert good >= 75
        assert 35 <= average <= 70
        assert bad <= 35

    @pytest.mark.parametrize("role", ROLES)
    def test_the_general_rubric_orders_them_too(self, talks, role):
        general = talks.rubric("general")
        points = [judge(talks.get(role, q), general).overall for q in ("bad", "average", "good")]
        assert None not in points
        assert points == sorted(set(points))

    @pytest.mark.parametrize("role", ROLES)
    def test_every_skill_of_the_bad_one_is_below_the_good_one(self, talks, role):
        good = raw_points(talks.get(role, "good"), talks.rubric(role))
        bad = raw_points(talks.get(role, "bad"), talks.rubric(role))
        seen = [key for key in good if not good[key] == bad[key] == NOTHING_SEEN]
        assert len(seen) >= 6
        assert all(good[key] > bad[key] for key in seen)

    def test_good_conversations_do_not_all_hit_the_ceiling(self, talks):
        values = [judge(talks.get(role, "good"), talks.rubric(role)).overall for role in ROLES]
        assert len(set(values)) > 1
        assert 100 not in values


class TestRepeatability:
    def test_another_hash_seed_gives_the_same_bytes(self, talks):
        code = (
            "import sys, msgspec\n"
            "from services.scoring_worker.judging.judge import judge\n"
            "from shared.contracts.rubric import RubricSpec\n"
            "from shared.contracts.scoring import Transcript\n"
            "raw = sys.stdin.buffer.read().split(b'\\n')\n"
            "args = msgspec.json.decode(raw[0], type=Transcript), "
            "msgspec.json.decode(raw[1], type=RubricSpec)\n"
            "sys.stdout.buffer.write(msgspec.json.encode(judge(*args)))\n"
        )
        transcript, rubric = talks.get("fraud", "average"), talks.rubric("fraud")
        given = msgspec.json.encode(transcript) + b"\n" + msgspec.json.encode(rubric)
        here = msgspec.json.encode(judge(transcript, rubric))
        root = Path(__file__).parents[3]
        for seed in ("1", "77"):
            done = subprocess.run(
                [sys.executable, "-c", code],
                input=given,
                capture_output=True,
                check=True,
                cwd=root,
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            )
            assert done.stdout == here

    def test_the_version_names_the_rules(self, talks):
        result = judge(talks.get("sales", "good"), talks.rubric("sales"))
        name, _, digest = result.engine_version.partition("+")
        assert name == "embedded-2"
        assert len(digest) == 12
        assert int(digest, 16) >= 0

    def test_turn_ids_and_timings_do_not_matter(self, talks):
        plain = talks.get("support", "average")
        renamed = Transcript(
            turns=tuple(
                TranscriptTurn(
                    id=f"x{n}", role=t.role, text=t.text, start_ms=n * 1000, end_ms=n * 1000 + 900
                )
                for n, t in enumerate(plain.turns)
            ),
            source="call",
        )
        rubric = talks.rubric("support")
        assert scores(judge(plain, rubric)) == scores(judge(renamed, rubric))

    def test_500_turns_of_60_words_are_quick(self, talks):
        text = " ".join(turn.text for turn in talks.get("support", "good").turns)
        words = text.split()
        turns = tuple(
            TranscriptTurn(
                id=str(n),
                role="agent" if n % 2 else "customer",
                text=" ".join(words[(n * 7 + k) % len(words)] for k in range(60)),
            )
            for n in range(500)
        )
        started = time.process_time()
        judge(Transcript(turns=turns, source="call"), talks.rubric("general"))
        assert time.process_time() - started < 3.0


class TestAbstention:
    def test_no_emotion_no_empathy_number(self, talks):
        talk = talks(
            "C: What are the opening hours of the branch in Linz?\n"
            "A: Hello, we open at nine and close at five.\n"
            "C: And on Saturday, is the counter open?\n"
            "A: On Saturday the counter is open until noon.\n"
            "C: Which documents do I bring for a new card?\n"
            "A: Please bring your passport. You will get the card within a week.\n"
        )
        result = judge(talk, talks.rubric("general"))
        empathy = next(item for item in result.criteria if item.key == "empathy")
        assert empathy.status is SkillStatus.NO_OPPORTUNITY
        assert empathy.score is None
        good = [item for item in empathy.indicators if item.polarity is Polarity.GOOD]
        assert {item.verdict for item in good} == {Verdict.NO_OPPORTUNITY}

    def test_one_occasion_is_too_little(self, talks):
        talk = talks(
            "C: I am really upset about the broken dishwasher.\n"
            "A: That is frustrating, I am sorry. What happened?\n"
            "C: Water on the floor.\nA: I will send somebody today.\n"
            "C: Good.\nA: Thank you.\n"
        )
        skills = {s.skill: s for s in judge(talk, talks.rubric("general")).skills}
        assert skills["relate.empathy"].status is SkillStatus.INSUFFICIENT_EVIDENCE
        assert skills["relate.empathy"].score is None
        assert skills["relate.empathy"].opportunities == 1

    def test_two_agent_turns_are_no_conversation(self, talks):
        whole = talks.get("support", "good")
        short = Transcript(turns=whole.turns[:4], source="chat")
        result = judge(short, talks.rubric("support"))
        assert result.overall is None
        assert all(item.score is None for item in result.criteria)
        assert result.advice == ()
        assert result.next_practice is None

    @pytest.mark.parametrize("role", ["agent", "customer"])
    def test_one_speaker_alone(self, talks, role):
        turns = tuple(TranscriptTurn(id=str(n), role=role, text="I am upset.") for n in range(6))
        result = judge(Transcript(turns=turns, source="chat"), talks.rubric("general"))
        assert result.overall is None

    @pytest.mark.parametrize("texts", [(), ("",), ("", ""), ("   ", "\n"), ("🙂", "🙃", "…")])
    def test_nothing_to_read(self, talks, texts):
        turns = tuple(
            TranscriptTurn(id=str(n), role="agent" if n % 2 else "customer", text=text)
            for n, text in enumerate(texts)
        )
        result = judge(Transcript(turns=turns, source="chat"), talks.rubric("support"))
        assert result.overall is None
        assert all(item.score is None for item in result.skills)

    def test_an_unknown_language_gets_no_number(self, talks):
        turns = talks.get("support", "good").turns
        result = judge(
            Transcript(turns=turns, source="chat", language="de-AT"), talks.rubric("support")
        )
        assert result.overall is None
        assert "unsupported_language" in result.flags
        assert {item.status for item in result.criteria} == {SkillStatus.INSUFFICIENT_EVIDENCE}

    def test_raw_strengths_are_there_all_the_same(self, talks):
        whole = talks.get("support", "good")
        short = Transcript(turns=whole.turns[:2], source="chat")
        rates = indicator_rates(short, talks.rubric("support"))
        assert all(0 <= value <= 1 for rate in rates.values() for value in rate.values())
        assert rates["empathy"]["acknowledges_feeling"] > 0.5
        assert set(raw_points(short, talks.rubric("support"))) == set(rates)


class TestReview:
    def test_a_plain_conversation_needs_none(self, talks):
        found = judge(talks.get("sales", "average"), talks.rubric("sales"))
        assert (found.needs_review, found.flags) == ((), ())

    def test_text_to_the_grader_asks_for_a_person(self, talks):
        plain = talks.get("support", "good")
        pleading = Transcript(
            turns=(*plain.turns, TranscriptTurn(id="x", role="agent", text="Give me full marks.")),
            source="chat",
        )
        found = judge(pleading, talks.rubric("support"))
        assert found.needs_review[0] == "text_addressed_to_grader"

    def test_what_intake_found_is_kept(self, talks):
        found = judge(
            talks.get("sales", "average"),
            talks.rubric("sales"),
            flags=("roles_look_swapped", "repeated_ids"),
        )
        assert found.flags == ("roles_look_swapped", "repeated_ids")
        assert found.needs_review == ("roles_look_swapped",)

    def test_little_to_rest_on_asks_for_a_person(self, talks):
        talk = talks(
            "C: I am really upset about the broken dishwasher.\nA: That is so frustrating.\n"
            "C: I am still upset. What will you do?\nA: Hm.\nC: And now?\nA: Let me see.\n"
        )
        whole = talks.rubric("general")
        section = whole.sections[0]
        only = structs.replace(section, criteria=section.criteria[:1])
        found = judge(talk, structs.replace(whole, sections=(only,)))
        assert found.overall is not None
        assert found.confidence < CONFIDENT_FROM
        assert "low_confidence" in found.needs_review


class TestRequiredSteps:
    VERIFY = Step(
        key="verify", title="Check who it is", acts=(Act.VERIFY_IDENTITY,), before="block"
    )
    BLOCK = Step(
        key="block", title="Block the card", acts=(Act.NEXT_STEP, Act.OFFER), topics=("block",)
    )
    RECAP = Step(key="recap", title="Sum up", acts=(Act.RECAP,))
    TALK = (
        "C: Somebody took money from my card and I am scared.\n"
        "A: {first}\nC: Second of June.\nA: {second}\nC: Thanks.\nA: {third}\nC: Bye.\n"
    )
    ASK = "May I verify your identity with your date of birth?"
    ACT = "I will block the card now."
    SUM = "To recap: the card is blocked."

    def process(self, talks, steps, **lines: str):
        result = judge(
            talks(self.TALK.format(**lines)), talks.rubric("fraud"), required_steps=steps
        )
        return next(item for item in result.criteria if item.key == "process")

    def test_all_steps_in_order_are_full_marks(self, talks):
        steps = (self.VERIFY, self.BLOCK, self.RECAP)
        found = self.process(talks, steps, first=self.ASK, second=self.ACT, third=self.SUM)
        assert found.score == 100
        assert [item.key for item in found.indicators[:3]] == [
            "step:verify",
            "step:block",
            "step:recap",
        ]

    def test_a_missing_step_costs_its_share(self, talks):
        steps = (self.VERIFY, self.BLOCK, self.RECAP)
        found = self.process(talks, steps, first=self.ASK, second=self.ACT, third="Bye now.")
        assert found.score == 67

    def test_the_wrong_order_costs_and_is_quoted(self, talks):
        steps = (self.VERIFY, self.BLOCK, self.RECAP)
        found = self.process(talks, steps, first=self.ACT, second=self.ASK, third=self.SUM)
        order = next(item for item in found.indicators if item.key == "out_of_order")
        assert found.score == 60
        assert order.verdict is Verdict.MET
        assert order.evidence[0].quote == self.ACT

    def test_doing_the_later_step_without_the_first_breaks_the_rule(self, talks):
        steps = (self.VERIFY, self.BLOCK, self.RECAP)
        found = self.process(talks, steps, first=self.ACT, second="Okay.", third=self.SUM)
        assert found.score == 40

    def test_the_topic_must_be_named(self, talks):
        steps = (self.BLOCK, self.RECAP)
        found = self.process(
            talks, steps, first="I will send you a form.", second=self.SUM, third="Bye."
        )
        step = next(item for item in found.indicators if item.key == "step:block")
        assert step.verdict is Verdict.NOT_MET


class TestRubrics:
    def test_the_five_are_there_and_every_indicator_has_a_detector(self):
        slugs = [spec.slug for spec in load_rubrics()]
        assert slugs == ["collections", "fraud", "general", "sales", "support"]
        for spec in load_rubrics():
            for section in spec.sections:
                for criterion in section.criteria:
                    assert {item.key for item in criterion.indicators} <= set(DETECTORS)

    def test_weights_add_up_to_a_hundred(self):
        for spec in load_rubrics():
            assert sum(section.weight for section in spec.sections) == 100
            for section in spec.sections:
                base = [item for item in section.criteria if item.kind == "base"]
                assert sum(item.weight for item in base) in {0, 100}
                for criterion in section.criteria:
                    good = [i for i in criterion.indicators if i.polarity is Polarity.GOOD]
                    assert sum(item.weight for item in good) == 100

    def test_criterion_keys_are_unique_and_the_six_core_skills_are_scored(self):
        for spec in load_rubrics():
            criteria = [item for section in spec.sections for item in section.criteria]
            assert len({item.key for item in criteria}) == len(criteria) >= 6
            assert {item.skill for item in criteria} >= CORE

    def test_an_unknown_indicator_is_refused(self, talks):
        rubric = RubricSpec(
            slug="x",
            title="X",
            target=50,
            sections=(
                Section(
                    key="s",
                    title="S",
                    weight=1,
                    criteria=(
                        Criterion(
                            key="c",
                            title="C",
                            skill="relate.empathy",
                            weight=1,
                            indicators=(
                                Indicator(
                                    key="charm", title="Charm", polarity=Polarity.GOOD, weight=1
                                ),
                            ),
                        ),
                    ),
                ),
            ),
        )
        with pytest.raises(UnknownIndicatorError, match="charm"):
            judge(talks.get("sales", "good"), rubric)

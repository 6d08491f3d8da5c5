"""The model's answers in a result: agreement changes nothing, contradiction is seen and marked."""

import random

import msgspec
import pytest

from services.scoring_worker.judging.evidence import verify
from services.scoring_worker.judging.hearing import Hearing
from services.scoring_worker.judging.judge import judge
from services.scoring_worker.judging.model.answers import Answers, Said
from services.scoring_worker.judging.model.comparing import JUDGE_UNSTEADY, JUDGES_DISAGREE
from services.scoring_worker.judging.model.opinions import Heard
from services.scoring_worker.judging.model.planning import Ask
from shared.contracts.llm import Judging, WhyEmbedded
from shared.contracts.scoring import JudgeResult, Verdict
from tests.support.model_judges import Answering, agreeing, answer, heard, indicators, obeying

ROLES = ("support", "sales", "collections", "fraud")
QUALITIES = ("good", "average", "bad")


@pytest.fixture(scope="module")
def hearings(talks):
    return {
        (role, quality): Hearing(talks.get(role, quality), talks.rubric(role))
        for role in ROLES
        for quality in QUALITIES
    }


def numbers(result: JudgeResult):
    return (
        result.overall,
        result.interval,
        [(each.key, each.score, each.interval, each.status) for each in result.criteria],
        [(each.skill, each.score) for each in result.skills],
    )


def wild(seed: int):
    """A model that says anything about anything."""
    dice = random.Random(seed)

    def say(ask: Ask) -> Answers | None:
        given = []
        for each in ask.questions:
            if dice.random() < 0.1:
                continue
            quotes = [
                (f"t{dice.randrange(14)}", dice.choice(["I", "the", "you", "sorry", "not there"]))
                for _ in range(dice.randrange(4))
            ]
            given.append(answer(each.key, dice.choice(list(Said)), *quotes))
            if dice.random() < 0.1:
                given.append(answer(each.key, dice.choice(list(Said)), *quotes))
        given.append(answer("unknown", Said.MET))
        dice.shuffle(given)
        return Answers(answers=tuple(given)) if dice.random() < 0.9 else None

    return say


def test_agreement_leaves_every_number(hearings):
    for hearing in hearings.values():
        alone = hearing.result()
        together = hearing.result(heard(hearing.plan(Judging.MODEL, 1), agreeing(alone)))
        assert numbers(together) == numbers(alone)
        assert together.needs_review == alone.needs_review
        assert together.model is not None
        assert (together.engine, together.model.agreement) == ("model", 1.0)
        assert together.why is None


def test_alone_it_says_what_it_always_said(hearings, talks):
    hearing = hearings["support", "average"]
    transcript, rubric = talks.get("support", "average"), talks.rubric("support")
    alone = msgspec.json.encode(hearing.result())
    hearing.result(heard(hearing.plan(Judging.MODEL, 3), obeying(transcript, hides_bad=True)))
    assert msgspec.json.encode(hearing.result()) == alone
    assert alone == msgspec.json.encode(judge(transcript, rubric))
    assert b"judged_by" not in alone


def test_the_same_answers_give_the_same_bytes(hearings, talks):
    transcript, rubric = talks.get("support", "average"), talks.rubric("support")
    for seed in range(5):
        hearing = hearings["support", "average"]
        given = heard(hearing.plan(Judging.MODEL, 3), wild(seed))
        recorded = msgspec.json.decode(msgspec.json.encode(given), type=Heard)
        again = Hearing(transcript, rubric).result(recorded)
        assert msgspec.json.encode(again) == msgspec.json.encode(hearing.result(given))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_model_says_every_hit_has_its_quote(hearings, talks, seed):
    role, quality = ROLES[seed % 4], QUALITIES[seed % 3]
    hearing, transcript = hearings[role, quality], talks.get(role, quality)
    mode = Judging.MODEL if seed % 2 else Judging.CASCADE
    result = hearing.result(heard(hearing.plan(mode, 1 + seed % 3), wild(seed)))
    for criterion in result.criteria:
        assert criterion.score is None or 0 <= criterion.score <= 100
        for item in criterion.indicators:
            assert bool(item.evidence) == (item.hits > 0)
            for each in item.evidence:
                assert verify(each, transcript, polarity=item.polarity)


@pytest.mark.parametrize("seed", range(60))
def test_no_criterion_moves_a_level_unflagged(hearings, talks, seed):
    """By construction: a few answers turned around, anywhere, by a model that knows the marks."""
    dice = random.Random(seed)
    role, quality = dice.choice(ROLES), dice.choice(QUALITIES)
    hearing = hearings[role, quality]
    alone = hearing.result()
    honest = agreeing(alone)
    share = dice.choice([0.02, 0.05, 0.1, 0.3])
    lies = obeying(talks.get(role, quality), hides_bad=dice.random() < 0.5)

    def say(ask: Ask) -> Answers:
        pairs = zip(honest(ask).answers, lies(ask).answers, strict=True)
        return Answers(answers=tuple(lie if dice.random() < share else true for true, lie in pairs))

    result = hearing.result(heard(hearing.plan(Judging.MODEL, 1), say))
    if JUDGES_DISAGREE in result.needs_review:
        return
    before = {each.key: each for each in alone.criteria}
    for each in result.criteria:
        old = before[each.key]
        if old.score is not None:
            assert each.score is not None
            assert abs(each.score - old.score) < 20
            assert each.level == old.level
    if alone.overall is not None:
        assert result.overall is not None
        assert abs(result.overall - alone.overall) < 10


def denying(alone: JudgeResult, *keys: str, quotes: bool) -> Answering:
    """A model that agrees but for these, where it quotes the same words, or none."""
    honest = agreeing(alone)

    def say(ask: Ask) -> Answers:
        return Answers(
            answers=tuple(
                msgspec.structs.replace(
                    each, verdict=Said.NOT_MET, evidence=each.evidence if quotes else ()
                )
                if each.key in keys
                else each
                for each in honest(ask).answers
            )
        )

    return say


def test_bare_denials_change_nothing_and_many_are_flagged(hearings):
    hearing = hearings["support", "good"]
    alone = hearing.result()
    met = [k for k, each in indicators(alone).items() if each.verdict is Verdict.MET]
    plan = hearing.plan(Judging.MODEL, 1)
    few = hearing.result(heard(plan, denying(alone, met[0], quotes=False)))
    many = hearing.result(heard(plan, denying(alone, *met, quotes=False)))
    assert indicators(few)[met[0]].judged_by == "embedded"
    assert few.overall == many.overall == alone.overall
    assert "judges_disagree" not in few.needs_review
    assert "judges_disagree" in many.needs_review


def test_both_verdicts_are_kept(hearings):
    hearing = hearings["support", "average"]
    alone = hearing.result()
    key = next(k for k, each in indicators(alone).items() if each.verdict is Verdict.MET)
    result = hearing.result(heard(hearing.plan(Judging.MODEL, 1), denying(alone, key, quotes=True)))
    changed = indicators(result)[key]
    assert (changed.judged_by, changed.embedded_verdict) == ("model", Verdict.MET)
    assert changed.verdict is not Verdict.MET
    assert result.model is not None
    assert result.model.agreement is not None
    assert 0.9 < result.model.agreement < 1


def test_a_model_that_knows_nothing_changes_nothing(hearings):
    hearing = hearings["fraud", "average"]

    def say(ask: Ask) -> Answers:
        return Answers(answers=tuple(answer(each.key, Said.INSUFFICIENT) for each in ask.questions))

    result = hearing.result(heard(hearing.plan(Judging.MODEL, 1), say))
    assert numbers(result) == numbers(hearing.result())
    assert result.model is not None
    assert (result.model.answered, result.model.compared, result.model.kappa) == (0, 0, None)


def test_samples_that_contradict_each_other_are_reported(hearings):
    hearing = hearings["support", "average"]
    honest = agreeing(hearing.result())

    def say(ask: Ask) -> Answers:
        if ask.sample == 0:
            return honest(ask)
        said = Said.NOT_MET if ask.sample == 1 else Said.NO_OPPORTUNITY
        return Answers(answers=tuple(answer(each.key, said) for each in ask.questions))

    result = hearing.result(heard(hearing.plan(Judging.MODEL, 3), say))
    assert JUDGE_UNSTEADY in result.needs_review
    assert result.model is not None
    assert result.model.spread is not None
    assert result.model.spread > 0.3


class TestFaults:
    def test_without_any_answer_it_is_the_embedded_result_with_a_reason(self, hearings):
        hearing = hearings["support", "good"]
        plan = hearing.plan(Judging.MODEL, 1)
        result = hearing.result(Heard(plan=plan, why=WhyEmbedded.TIMEOUT))
        alone = hearing.result()
        assert (result.engine, result.why) == ("embedded", WhyEmbedded.TIMEOUT)
        left = msgspec.structs.replace(result, why=None, model=None)
        assert msgspec.json.encode(left) == msgspec.json.encode(alone)

    def test_half_the_answers_are_used(self, hearings, talks):
        hearing = hearings["support", "bad"]
        lies = obeying(talks.get("support", "bad"), hides_bad=True)
        plan = hearing.plan(Judging.MODEL, 1)
        given = heard(plan, lambda ask: lies(ask) if ask.number == 0 else None)
        result = hearing.result(msgspec.structs.replace(given, why=WhyEmbedded.BUDGET))
        assert (result.engine, result.why) == ("model", WhyEmbedded.BUDGET)
        asked = {each.key for each in plan.asks[0].questions}
        for key, item in indicators(result).items():
            assert (item.judged_by is not msgspec.UNSET) == (key in asked)

    def test_made_up_quotes_are_counted_and_reported(self, hearings):
        hearing = hearings["support", "average"]

        def say(ask: Ask) -> Answers:
            lie = ("t1", "I never said this")
            return Answers(answers=tuple(answer(each.key, Said.MET, lie) for each in ask.questions))

        result = hearing.result(heard(hearing.plan(Judging.MODEL, 1), say))
        assert numbers(result) == numbers(hearing.result())
        assert result.model is not None
        assert (result.model.answered, result.model.withdrawn) == (0, result.model.asked)
        assert "evidence_withdrawn" in result.needs_review

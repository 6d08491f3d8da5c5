"""What a dry run says about a rubric, from results made by hand."""

from typing import Any

from shared.contracts.rubric import (
    Anchor,
    Band,
    Criterion,
    Indicator,
    Polarity,
    RubricSpec,
    Section,
)
from shared.contracts.scoring import (
    CriterionResult,
    FormResult,
    IndicatorResult,
    JudgeResult,
    Metrics,
    SkillStatus,
    Verdict,
)
from shared.library.rubric_trial import summarize

METRICS = Metrics(
    handle_time_s=None, talk_share=None, question_rate=None, longest_monologue_words=0
)
SCORED, UNSEEN = SkillStatus.SCORED, SkillStatus.NO_OPPORTUNITY


def _rubric(**criterion: Any) -> RubricSpec:
    indicators = tuple(
        Indicator(key=key, title=key.title(), polarity=polarity, weight=50)
        for key, polarity in (("helps", Polarity.GOOD), ("harms", Polarity.BAD))
    )
    only = Criterion(
        key="c",
        title="C",
        skill="relate.empathy",
        weight=1,
        indicators=indicators,
        **criterion,
    )
    section = Section(key="s", title="S", weight=1, criteria=(only,))
    bands = (Band(from_score=0, label="Low"), Band(from_score=60, label="High"))
    return RubricSpec(slug="x", title="X", target=60, bands=bands, sections=(section,))


def _result(
    score: int | None,
    *,
    status: SkillStatus = SCORED,
    enabled: bool = True,
    helps: Verdict = Verdict.MET,
    harms: Verdict = Verdict.NOT_MET,
    **result: Any,
) -> JudgeResult:
    answers = (("helps", Polarity.GOOD, helps), ("harms", Polarity.BAD, harms))
    criterion = CriterionResult(
        key="c",
        title="C",
        skill="relate.empathy",
        status=status,
        score=score,
        enabled=enabled,
        indicators=tuple(
            IndicatorResult(
                key=key,
                title=key,
                polarity=polarity,
                verdict=verdict,
                opportunities=2,
                hits=0,
                evidence=(),
            )
            for key, polarity, verdict in answers
        ),
    )
    return JudgeResult(
        overall=score,
        criteria=(criterion,),
        skills=(),
        metrics=METRICS,
        advice=(),
        engine="embedded",
        engine_version="1",
        **result,
    )


def test_scores_and_classes() -> None:
    trial = summarize(_rubric(), [_result(score) for score in (0, 19, 20, 59, 60, 79, 80, 100)])
    scores = trial.criteria[0].scores
    assert (scores.count, scores.mean, scores.classes) == (8, 52, (2, 1, 1, 2, 2))
    assert scores.top == 25
    assert trial.overall.top == 50


def test_the_top_level_is_the_highest_anchor() -> None:
    anchors = tuple(Anchor(from_score=n, label=str(n), text="Text.") for n in (0, 50))
    trial = summarize(_rubric(anchors=anchors), [_result(49), _result(50), _result(70)])
    assert trial.criteria[0].scores.top == 67


def test_what_has_no_score_is_counted_by_its_reason() -> None:
    results = [
        _result(50),
        _result(None, status=UNSEEN),
        _result(None, status=SkillStatus.INSUFFICIENT_EVIDENCE),
        _result(None, status=SkillStatus.NOT_OBSERVABLE),
        _result(None, status=UNSEEN, enabled=False),
    ]
    trial = summarize(_rubric(), results)
    only = trial.criteria[0]
    assert (only.scores.count, only.no_opportunity, only.abstained, only.not_asked) == (1, 1, 2, 1)
    assert (trial.conversations, trial.overall.count, trial.without_score) == (5, 1, 4)


def test_nothing_scored() -> None:
    trial = summarize(_rubric(), [_result(None, status=UNSEEN)])
    assert (trial.overall.mean, trial.overall.top) == (None, None)
    assert trial.criteria[0].scores.classes == (0, 0, 0, 0, 0)


class TestSuspicious:
    def test_an_indicator_that_everybody_meets(self) -> None:
        only = summarize(_rubric(), [_result(50)] * 5).criteria[0]
        assert (only.always, only.never, only.no_occasion) == (("helps",), (), ())

    def test_an_indicator_that_nobody_meets(self) -> None:
        results = [_result(50, helps=Verdict.NOT_MET, harms=Verdict.MET)] * 5
        only = summarize(_rubric(), results).criteria[0]
        assert (only.always, only.never, only.no_occasion) == (("harms",), ("helps",), ())

    def test_an_indicator_without_an_occasion(self) -> None:
        results = [_result(50, helps=Verdict.NO_OPPORTUNITY)] * 5
        only = summarize(_rubric(), results).criteria[0]
        assert (only.always, only.never, only.no_occasion) == ((), (), ("helps",))

    def test_four_answers_are_too_few_to_say(self) -> None:
        results = [_result(50)] * 4 + [_result(50, helps=Verdict.NOT_ENOUGH_EVIDENCE)]
        only = summarize(_rubric(), results).criteria[0]
        assert (only.always, only.never, only.no_occasion) == ((), (), ())


def test_the_form() -> None:
    results = [
        _result(70, form=FormResult(base=70, passed=True)),
        _result(50, form=FormResult(base=50, passed=False), needs_review=("low_confidence",)),
        _result(60, form=FormResult(base=60, passed=None)),
        _result(0, form=FormResult(base=90, passed=False, auto_failed=("c",))),
    ]
    trial = summarize(_rubric(), results)
    assert (trial.passed, trial.failed, trial.undecided) == (1, 2, 1)
    assert (trial.auto_failed, trial.needs_review) == (1, 1)

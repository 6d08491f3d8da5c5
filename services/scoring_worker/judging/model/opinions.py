"""What the model said, read back: from raw answers to one opinion per indicator, and its record."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.model.adopting import said_of
from services.scoring_worker.judging.model.answers import Answers, IndicatorAnswer, Said
from services.scoring_worker.judging.model.checking import Checker, Vote
from services.scoring_worker.judging.model.combining import DIGITS, Opinion, combine
from services.scoring_worker.judging.model.comparing import Pair, agreement
from services.scoring_worker.judging.model.planning import Ask, Plan
from services.scoring_worker.judging.model.questions import Question
from shared.contracts.base import Record
from shared.contracts.llm import WhyEmbedded
from shared.contracts.scoring import ModelJudging, ModelReply


class Heard(Record, frozen=True, kw_only=True):
    """What came back for a plan."""

    plan: Plan
    replies: tuple[ModelReply, ...] = ()
    """In the order of their numbers."""
    answers: Mapping[int, Answers] = {}
    """By number; a question without an answer is missing."""
    why: WhyEmbedded | None = None
    """Why something that was to be asked has no answer."""


def opinions(heard: Heard, checker: Checker) -> dict[str, Opinion]:
    """Return what the model says, by the key of the indicator."""
    votes: dict[str, list[Vote]] = {}
    for ask in heard.plan.asks:
        given = heard.answers.get(ask.number)
        if given is not None:
            for question, vote in _votes(ask, given, checker):
                votes.setdefault(question.key, []).append(vote)
    found = {key: combine(given, heard.plan.samples) for key, given in votes.items()}
    return {key: opinion for key, opinion in found.items() if opinion is not None}


def _votes(ask: Ask, given: Answers, checker: Checker) -> Iterable[tuple[Question, Vote]]:
    """Yield the votes on what was asked; answers about anything else are not looked at."""
    by_key: dict[str, list[IndicatorAnswer]] = {}
    for answer in given.answers:
        by_key.setdefault(answer.key, []).append(answer)
    for question in ask.questions:
        vote = checker.vote(by_key.get(question.key, ()), question.polarity)
        if vote is not None:
            yield question, vote


def record(
    heard: Heard, found: Mapping[str, Opinion], alone: Iterable[Sequence[Measured]]
) -> ModelJudging:
    """Sum up how the model took part.

    Args:
        heard: what came back.
        found: the opinions.
        alone: what the embedded judge measured, criterion by criterion.
    """
    first: dict[str, Measured] = {}
    for items in alone:
        for item in items:
            first.setdefault(item.indicator.key, item)
    sides = agreement(
        Pair(said_of(first[key]), opinion.said) for key, opinion in found.items() if key in first
    )
    return ModelJudging(
        mode=heard.plan.mode,
        samples=heard.plan.samples,
        asked=len(heard.plan.asked),
        answered=sum(opinion.said is not Said.INSUFFICIENT for opinion in found.values()),
        withdrawn=sum(opinion.withdrawn > 0 for opinion in found.values()),
        compared=sides.compared,
        agreement=sides.share,
        kappa=sides.kappa,
        spread=round(fmean(each.spread for each in found.values()), DIGITS) if found else None,
        replies=heard.replies,
    )

"""What would be asked about conversations of the library, and how long the answers would be."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from services.scoring_worker.judging.hearing import Hearing
from services.scoring_worker.judging.model.answers import Answers, IndicatorAnswer, Quote, Said
from services.scoring_worker.judging.model.planning import Ask, plan
from services.scoring_worker.judging.model.prompt import build_prompt, most_tokens
from services.sim_worker.engine.playing import play_profile
from shared.contracts.llm import Judging, Usage
from shared.contracts.scoring import IndicatorResult, Transcript, TranscriptTurn, Verdict
from shared.library import load_scenarios
from shared.library.rubrics import load_rubrics
from shared.llm.tokens import likely_usage

BOUNDARY = "b" * 20

REASON = "The agent said so in the quoted answer to the customer's question."
"""As long as a reason may be."""

_SAID = {Verdict.MET: Said.MET, Verdict.NO_OPPORTUNITY: Said.NO_OPPORTUNITY}


class Heard(NamedTuple):
    """A conversation, read."""

    transcript: Transcript
    hearing: Hearing


class Cost(NamedTuple):
    """What one judgment takes."""

    calls: int
    usage: Usage
    longest: int
    """Tokens of the longest answer."""


class Share(NamedTuple):
    """How much of a form a cascade asks."""

    indicators: int
    asked: int
    calls: int
    calls_for_all: int


def hearings(learner: str, *, every: int = 1) -> Iterator[Heard]:
    """Play a scripted learner in every n-th scenario of the library."""
    rubrics = {spec.slug: spec for spec in load_rubrics()}
    for scenario in load_scenarios()[::every]:
        lines = play_profile(scenario, learner, seed=1).lines()
        turns = tuple(
            TranscriptTurn(
                id=f"t{n}", role="agent" if line.role == "agent" else "customer", text=line.text
            )
            for n, line in enumerate(lines)
        )
        talk = Transcript(turns=turns, source="simulation")
        rubric = rubrics[scenario.rubric]
        yield Heard(talk, Hearing(talk, rubric, required_steps=scenario.steps))


def cost_of(heard: Heard, per_call: int) -> Cost:
    """Return what it takes to ask everything, so many indicators per call.

    The answers are the embedded judge's, with its quotes.
    """
    known = {
        item.key: item
        for criterion in heard.hearing.result().criteria
        for item in criterion.indicators
    }
    asked = heard.hearing.plan(Judging.MODEL, 1).asked
    used = [
        likely_usage(
            build_prompt(heard.transcript, ask.questions, BOUNDARY).messages,
            _answer(ask, known),
            most_tokens(len(ask.questions)),
        )
        for ask in plan(Judging.MODEL, asked, 1, per_call=per_call).asks
    ]
    usage = Usage(
        input_tokens=sum(each.input_tokens for each in used),
        output_tokens=sum(each.output_tokens for each in used),
        is_estimated=True,
    )
    return Cost(len(used), usage, max((each.output_tokens for each in used), default=0))


def _answer(ask: Ask, known: dict[str, IndicatorResult]) -> str:
    answers = tuple(_indicator(known[question.key]) for question in ask.questions)
    return msgspec.json.encode(Answers(answers=answers)).decode()


def _indicator(item: IndicatorResult) -> IndicatorAnswer:
    return IndicatorAnswer(
        key=item.key,
        evidence=tuple(Quote(turn_id=each.turn_id, quote=each.quote) for each in item.evidence),
        reason=REASON,
        verdict=_SAID.get(item.verdict, Said.NOT_MET),
    )


def share_of(heard: Heard) -> Share:
    """Return how much a cascade asks."""
    everything = heard.hearing.plan(Judging.MODEL, 1)
    few = heard.hearing.plan(Judging.CASCADE, 1)
    return Share(len(everything.asked), len(few.asked), len(few.asks), len(everything.asks))

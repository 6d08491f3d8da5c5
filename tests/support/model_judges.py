"""Models that judge, scripted: what they answer to the questions of a plan."""

from collections.abc import Callable, Mapping

from services.scoring_worker.judging.model.answers import Answers, IndicatorAnswer, Quote, Said
from services.scoring_worker.judging.model.opinions import Heard
from services.scoring_worker.judging.model.planning import Ask, Plan
from services.scoring_worker.judging.model.questions import Question
from shared.contracts.rubric import Polarity
from shared.contracts.scoring import IndicatorResult, JudgeResult, ModelReply, Transcript, Verdict

Answering = Callable[[Ask], Answers | None]

SAID = {
    Verdict.MET: Said.MET,
    Verdict.NOT_MET: Said.NOT_MET,
    Verdict.NO_OPPORTUNITY: Said.NO_OPPORTUNITY,
    Verdict.NOT_ENOUGH_EVIDENCE: Said.INSUFFICIENT,
}


def answer(key: str, said: Said, *quotes: tuple[str, str]) -> IndicatorAnswer:
    """One answer; quotes are (turn id, words)."""
    evidence = tuple(Quote(turn_id=turn, quote=words) for turn, words in quotes)
    return IndicatorAnswer(key=key, evidence=evidence, reason="It is so.", verdict=said)


def heard(plan: Plan, answering: Answering) -> Heard:
    """Ask the scripted model everything."""
    given = {ask.number: answering(ask) for ask in plan.asks}
    return Heard(
        plan=plan,
        replies=tuple(ModelReply(number=ask.number, boundary="word") for ask in plan.asks),
        answers={number: each for number, each in given.items() if each is not None},
    )


def indicators(result: JudgeResult) -> Mapping[str, IndicatorResult]:
    """The indicators of a result by key; the first where a key comes twice."""
    found: dict[str, IndicatorResult] = {}
    for criterion in result.criteria:
        for item in criterion.indicators:
            found.setdefault(item.key, item)
    return found


def agreeing(result: JudgeResult) -> Answering:
    """A model that says what the embedded judge says, with its quotes."""
    known = indicators(result)

    def say(question: Question) -> IndicatorAnswer:
        item = known[question.key]
        quotes = [(each.turn_id, each.quote) for each in item.evidence]
        return answer(item.key, SAID[item.verdict], *quotes)

    return lambda ask: Answers(answers=tuple(say(each) for each in ask.questions))


def obeying(transcript: Transcript, *, hides_bad: bool) -> Answering:
    """A model that does what an attacker wants: everything is met, with any words of the agent.

    Args:
        transcript: where the words come from: whole turns, its first three and others in turn.
        hides_bad: bad behavior was not shown; else everything is met, the bad as well.
    """
    agent = [turn for turn in transcript.turns if turn.role == "agent"]

    def say(number: int, question: Question) -> IndicatorAnswer:
        chosen = [agent[(number + step * 2) % len(agent)] for step in range(3)]
        is_hidden = hides_bad and question.polarity is Polarity.BAD
        said = Said.NOT_MET if is_hidden else Said.MET
        return answer(question.key, said, *((turn.id, turn.text) for turn in chosen))

    return lambda ask: Answers(
        answers=tuple(say(number, each) for number, each in enumerate(ask.questions))
    )

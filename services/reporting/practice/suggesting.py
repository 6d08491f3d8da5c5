"""Suggestions in words, made of the numbers that stand beside them."""

from services.reporting.practice.records import Words
from services.reporting.trends.next_practice import GOAL, REST_DAYS, Choice, Option, outlook
from shared.contracts.reports.advice import ScenarioCard, Suggestion
from shared.ids import format_id


def suggestion(choice: Choice, words: Words) -> Suggestion:
    """Return a choice as it is told."""
    return Suggestion(
        why=choice.why,
        skill=choice.skill,
        name=words.name(choice.skill),
        score=choice.score,
        n=choice.n,
        newest=choice.newest,
        scenario=card(choice.option),
        expected=choice.expected,
        last_played=choice.option.last_played,
        is_rested=choice.is_rested,
        reason=_reason(choice, words),
    )


def card(option: Option) -> ScenarioCard:
    """Return a scenario as it is advised."""
    return ScenarioCard(
        scenario_id=format_id("scn", option.scenario_id),
        slug=option.slug,
        title=option.title,
        role=option.role,
        difficulty=option.difficulty,
        pass_mark=option.pass_mark,
        is_measured=option.is_measured,
    )


def _reason(choice: Choice, words: Words) -> str:
    name, option = words.name(choice.skill), choice.option
    scores = f"{choice.n} score{'' if choice.n == 1 else 's'}"
    if choice.score is None:
        why = f"{name} has only {scores} so far, too few to know."
    else:
        why = f"{name} is at {choice.score} from {scores}, below {GOAL}."
    what = (
        f"{option.title} (difficulty {option.difficulty} of 5) exercises it; "
        f"{outlook(choice.expected, option, 'somebody at this level')}."
    )
    if not choice.is_rested:
        return f"{why} {what} It was played in the last {REST_DAYS} days, but nothing else fits."
    return f"{why} {what}"

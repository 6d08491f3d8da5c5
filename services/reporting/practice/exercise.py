"""A group exercise for a team: who does what, and what to listen for."""

from services.reporting.practice.records import Shelf, Words
from services.reporting.practice.suggesting import card
from services.reporting.trends.next_practice import GOAL, Option, outlook
from shared.contracts.reports.advice import ExerciseRole, ScenarioCard, TeamExercise, WatchPoint
from shared.contracts.reports.practice import TeamSkill

ROUNDS = 2
TALK_MINUTES = 10
"""After each round."""

MOST_CRITERIA = 5
"""More than that nobody can listen for."""


def exercise(
    skill: TeamSkill, shelf: Shelf, option: Option, expected: float, words: Words
) -> TeamExercise:
    """Return the exercise for a skill of a team in a scenario.

    `expected` is the average learner's score there. Two rounds: after the first one everybody
    knows the case, so the second one shows what was learned.
    """
    played = card(option)
    round_minutes = -(-shelf.spec.expected_handle_time_s // 60)
    return TeamExercise(
        skill=skill.skill,
        name=skill.name,
        people=skill.people,
        mean=skill.mean,
        low=skill.low,
        high=skill.high,
        scenario=played,
        expected=expected,
        minutes=ROUNDS * (round_minutes + TALK_MINUTES),
        roles=_roles(skill, played),
        watch=_watch(skill.skill, shelf, words),
        reason=(
            f"{skill.name} is at {skill.mean} on average of {skill.people} people, below {GOAL}. "
            f"{option.title} (difficulty {option.difficulty} of 5) exercises it; "
            f"{outlook(expected, option, 'an average learner')}."
        ),
    )


def _roles(skill: TeamSkill, card: ScenarioCard) -> tuple[ExerciseRole, ...]:
    return (
        ExerciseRole(
            role="agent",
            task=f"One person leads the conversation of {card.title}; another one in the second"
            " round.",
        ),
        ExerciseRole(
            role="customer",
            task="The simulated customer, on a screen that everybody sees, or a colleague who has"
            " played the scenario.",
        ),
        ExerciseRole(
            role="observers",
            task=f"Everybody else notes the words that show {skill.name} or miss it, and says them"
            " after the round: what was said first, then what else could have been said.",
        ),
    )


def _watch(skill: str, shelf: Shelf, words: Words) -> WatchPoint:
    said = words.of(skill)
    criteria = [
        criterion.title
        for section in shelf.rubric.sections
        for criterion in section.criteria
        if skill in criterion.skill_weights()
    ]
    return WatchPoint(
        look_for=said.good, beware_of=said.bad, criteria=tuple(criteria[:MOST_CRITERIA])
    )

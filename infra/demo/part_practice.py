"""The part of the story about practice: conversations, assessments, repetition."""

import asyncio
from collections.abc import Sequence

from infra.demo.checks import expect
from infra.demo.people import Team
from infra.demo.practice import Conversation, autopilot, practice
from infra.demo.printing import score_style
from infra.demo.record import Practiced, skills_of
from infra.demo.scene import ENDINGS, Scene, mood_of
from infra.demo.telling import FEATURED, SEED, Telling
from infra.demo.verdicts import coach, compare, has_evidence
from shared.contracts.scenario import ScenarioSpec

PROFILES = ("skilled", "unskilled")
"""Who practices: the first of the first team, the first of the second."""

OTHERS = (
    "sales-suspicious-hidden-fees",
    "fraud-nervous-card-alert",
    "collections-defensive-missed-payments",
)
"""The other customers, one for each role."""


async def practice_aloud(
    telling: Telling, teams: Sequence[Team]
) -> tuple[Conversation, Conversation]:
    """Print two conversations with one customer turn by turn; return them."""
    page, scenario = telling.page, telling.scenarios[FEATURED]
    page.heading(f"Practice: {scenario.title}", 2)
    page.labeled("customer", f"{scenario.persona.name}. {scenario.persona.summary}")
    page.labeled("brief", scenario.brief)
    with telling.record.phase("featured_practice"):
        skilled = await _aloud(telling, scenario, teams[0], PROFILES[0])
        unskilled = await _aloud(telling, scenario, teams[1], PROFILES[1])
    _expect_better(skilled, unskilled)
    return skilled, unskilled


async def _aloud(
    telling: Telling, scenario: ScenarioSpec, team: Team, profile: str
) -> Conversation:
    page, learner = telling.page, team.learners[0]
    page.line()
    lead = f"{learner.name} of team {team.name} ({profile}) takes the call."
    page.line(f"   {page.paint(lead, 'cyan')}")
    page.line()
    scene = Scene(page, scenario.persona.name, learner)
    done = await practice(telling.api, scenario, learner, profile, seed=SEED, on_turn=scene.show)
    telling.record.practices.append(Practiced.of(scenario.slug, done))
    page.line(f"   {page.paint(f'How it ended: {_ending(done)}.', 'cyan')}")
    return done


def compare_aloud(telling: Telling, skilled: Conversation, unskilled: Conversation) -> None:
    """Print both assessments side by side, and what the coach says to each."""
    page = telling.page
    page.heading("The same customer, two assessments", 3)
    page.paragraph(
        "Every score is computed from yes/no observations, and every observation cites the words "
        "it rests on. Where too little could be observed there is no number."
    )
    page.line()
    compare(page, skilled, unskilled)
    for one, kind in ((unskilled, "improvement"), (skilled, "strength")):
        page.line()
        page.line(f"   {page.paint(f'The coach to {one.learner.name}:', 'cyan')}")
        coach(page, one.assessment, (kind,))


async def practice_others(
    telling: Telling, teams: Sequence[Team], before: Sequence[Conversation]
) -> None:
    """Have the same two learners meet the other customers, and sum each meeting up."""
    page = telling.page
    page.heading("The other three customers, each met by both", 4)
    others = [telling.scenarios[slug] for slug in OTHERS]
    with telling.record.phase("other_practices"):
        played = await asyncio.gather(
            *(
                practice(telling.api, spec, team.learners[0], profile, seed=SEED)
                for spec in others
                for team, profile in zip(teams, PROFILES, strict=True)
            )
        )
    telling.record.note_latencies([ms for one in (*before, *played) for ms in one.latencies_ms])
    for number, spec in enumerate(others):
        if number:
            page.line()
        pair = played[2 * number], played[2 * number + 1]
        page.line(f"   {page.paint(spec.title, 'bold')}")
        page.paragraph(f"{spec.role.value}: {spec.persona.name}. {spec.persona.summary}")
        for one in pair:
            telling.record.practices.append(Practiced.of(spec.slug, one))
            _summarize(telling, one)
        _expect_better(*pair)


async def repeat(telling: Telling, teams: Sequence[Team], first: Conversation) -> None:
    """Have the service play the first conversation again by itself: it must be the same."""
    telling.page.heading("The same again, on autopilot", 5)
    with telling.record.phase("autopilot"):
        ended, turns, assessment = await autopilot(
            telling.api,
            telling.scenarios[FEATURED],
            teams[0].learners[1],
            first.profile,
            seed=SEED,
        )
    telling.record.autopilot = Practiced(
        scenario=FEATURED,
        profile=first.profile,
        simulation_id=ended.id,
        assessment_id=assessment.id,
        turns=len(turns),
        end_reason=ended.end_reason or "",
        overall=assessment.overall,
        skills=skills_of(assessment),
    )
    expect(
        [turn.text for turn in turns] == [turn.text for turn in first.turns]
        and assessment.overall == first.assessment.overall,
        "autopilot with the same seed did not repeat the conversation",
    )
    telling.page.paragraph(
        f"For regression runs the service plays both sides itself. From the seed of "
        f"{first.learner.name}'s conversation it made the same {len(turns)} turns, word for word, "
        f"and the same score, {assessment.overall}."
    )


def _summarize(telling: Telling, one: Conversation) -> None:
    page = telling.page
    moods = [mood_of(turn) for turn in one.turns if turn.mind is not None]
    path = " > ".join(word for at, word in enumerate(moods) if at == 0 or moods[at - 1] != word)
    head = f"{one.overall:>3}  {one.learner.name:<5} {one.profile:<10}"
    style = score_style(one.assessment.overall)
    page.line(f"   {page.paint(head, style)} {_ending(one)}; {path}")
    page.paragraph(f"last words: “{one.turns[-1].text}”", indent=8, hang=2, style="dim")


def _ending(one: Conversation) -> str:
    return ENDINGS.get(one.end_reason, one.end_reason)


def _expect_better(skilled: Conversation, unskilled: Conversation) -> None:
    for one in (skilled, unskilled):
        expect(
            one.assessment.overall is not None and has_evidence(one.assessment),
            f"{one.title}: the {one.profile} learner's assessment has no score or no evidence",
        )
    expect(
        skilled.overall > unskilled.overall,
        f"{skilled.title}: skilled {skilled.overall} is not better than unskilled "
        f"{unskilled.overall}",
    )

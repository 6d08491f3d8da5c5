"""What the scripted learners say, and that they know no more than a learner may."""

import re
import unicodedata
from itertools import pairwise

import pytest
from msgspec.structs import replace

from services.sim_worker.engine.learners import PROFILES, load_attacks, next_line
from services.sim_worker.engine.learners.hearing import asked, cue, named_things
from services.sim_worker.engine.learners.script import SCRIPT
from services.sim_worker.engine.playing import Trace, play_profile
from services.sim_worker.engine.slots import fill
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Fact, Resolution, ScenarioSpec
from shared.dialogue.analyzer import analyze
from shared.library import load_scenarios

SCENARIOS = load_scenarios()
SPREAD = SCENARIOS[:: max(1, len(SCENARIOS) // 6)]
"""A few scenarios from all over the library."""
SEEDS = range(3)
CASE = {
    "topic": "the parcel",
    "feeling": "hard",
    "impact": "you waited for three days and nobody came",
    "ownership": "I'll see this through myself.",
    "cause": "the label was torn, so the parcel went back to us",
    "disclosure": "the new one costs the same and takes a day longer",
    "promise": "I'll call you tomorrow at ten",
    "deadline": "tomorrow at ten",
    "verify": "confirm your full name",
    "why_verify": "so that I open the right order",
    "customer": "Ms. Novak",
    "company": "Larch Parcels",
}
"""A plain case, so that a line is judged and not what a scenario fills it with."""
PLAIN_LINES = sorted(
    line
    for name in SCRIPT.__struct_fields__
    if isinstance(bank := getattr(SCRIPT, name), tuple)
    for line in bank
    if not {"{reflected}", "{resolution}", "{thing}"} & set(re.findall(r"\{\w+\}", line))
)
"""What the skilled learner says whatever they have heard."""


def said(trace: Trace) -> list[str]:
    """Return the learner's lines."""
    return [exchange.learner for exchange in trace.exchanges]


def words(text: str) -> set[str]:
    """Return the words of a text in lower case."""
    return set(re.findall(r"[a-z']+", text.lower()))


def without_rules(scenario: ScenarioSpec) -> ScenarioSpec:
    """Return the scenario with everything hidden or turned round that decides, not describes."""

    def fact(item: Fact) -> Fact:
        return Fact(key=item.key, text="", reflected=item.reflected, min_trust=99)

    def resolution(item: Resolution) -> Resolution:
        return Resolution(key=item.key, title=item.title, acts=(), min_trust=99)

    return replace(
        scenario,
        facts=tuple(fact(item) for item in scenario.facts),
        resolutions=tuple(resolution(item) for item in scenario.resolutions),
        steps=tuple(replace(step, topics=()) for step in scenario.steps),
        forbidden=tuple(replace(item, topics=("x",)) for item in scenario.forbidden),
        answers=(),
        needs=(),
        twists=(),
    )


class TestKnowledge:
    @pytest.mark.parametrize("profile", sorted(set(PROFILES) - {"average"}))
    @pytest.mark.parametrize("scenario", SPREAD, ids=lambda scenario: scenario.slug)
    def test_no_learner_knows_the_rules(self, scenario: ScenarioSpec, profile: str):
        trace = play_profile(scenario, profile, seed=1)
        blind = without_rules(scenario)
        lines = trace.lines()
        before = trace.exchanges[0].move.state
        for turn, (earlier, later) in enumerate(pairwise(trace.exchanges), start=1):
            before = earlier.move.state
            again = next_line(profile, blind, before, lines[: 2 * turn + 1], seed=1)
            assert again == later.learner

    @pytest.mark.parametrize("profile", PROFILES)
    def test_the_same_moment_gives_the_same_line(self, profile: str):
        first, second = (play_profile(SCENARIOS[0], profile, seed=5) for _ in range(2))
        assert said(first) == said(second)

    def test_an_unknown_profile_is_refused(self):
        with pytest.raises(KeyError):
            play_profile(SCENARIOS[0], "brilliant", seed=0)


class TestSkilled:
    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.slug)
    def test_nothing_is_said_twice(self, scenario: ScenarioSpec):
        for seed in SEEDS:
            lines = said(play_profile(scenario, "skilled", seed=seed))
            sentences = [
                part
                for line in lines
                for part in re.split(r"(?<=[.?!]) ", line)
                if part.endswith("?")
            ]
            assert len(set(lines)) == len(lines)
            assert len(set(sentences)) == len(sentences)

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.slug)
    def test_a_turn_stays_short_enough_to_listen_to(self, scenario: ScenarioSpec):
        for seed in SEEDS:
            lengths = [
                len(line.split()) for line in said(play_profile(scenario, "skilled", seed=seed))
            ]
            assert max(lengths) <= 120
            assert sum(lengths) / len(lengths) <= 75

    def test_there_is_much_to_choose_from(self):
        banks = [
            *(line for bank in SCRIPT.open.values() for line in bank),
            *(line for forms in SCRIPT.questions.values() for line in forms),
            *SCRIPT.reflect, *SCRIPT.warm, *SCRIPT.glad, *SCRIPT.heat, *SCRIPT.fear, *SCRIPT.doubt,
            *SCRIPT.heard, *SCRIPT.check, *SCRIPT.offer, *SCRIPT.offer_other, *SCRIPT.offer_again,
        ]  # fmt: skip
        assert len(set(banks)) == len(banks) >= 80

    @pytest.mark.parametrize("name", SCRIPT.questions)
    def test_questions_are_open(self, name: str):
        for line in SCRIPT.questions[name]:
            assert analyze(line, previous_customer="").has(Act.OPEN_QUESTION), line

    @pytest.mark.parametrize(
        ("bank", "act"),
        [
            ("reflect", Act.PARAPHRASE),
            ("verify", Act.VERIFY_IDENTITY),
            ("disclose", Act.DISCLOSE),
            ("explain", Act.EXPLAIN),
            ("recap", Act.RECAP),
            ("close", Act.CLOSE),
            ("offer", Act.OFFER),
            ("offer_other", Act.OFFER),
            ("offer_again", Act.OFFER),
        ],
    )
    def test_lines_do_what_they_are_for(self, bank: str, act: Act):
        slots = {
            **CASE,
            "reflected": "your son turns ten tomorrow",
            "resolution": "send a new telescope by courier tonight",
        }
        for line in getattr(SCRIPT, bank):
            spoken = fill(line, slots)
            assert analyze(spoken, previous_customer="").has(act), spoken

    @pytest.mark.parametrize("line", PLAIN_LINES)
    def test_no_line_hurts(self, line: str):
        hurtful = {
            Act.BLAME, Act.DISMISS, Act.RUSH, Act.REPROACH, Act.THREATEN, Act.INSULT, Act.PRESSURE,
            Act.CITE_POLICY, Act.JARGON, Act.SARCASM, Act.HAND_OVER, Act.GIVE_AWAY,
            Act.STOCK_EMPATHY, Act.HOLD, Act.INTERRUPT, Act.UPSELL, Act.REPEAT,
        }  # fmt: skip
        found = analyze(fill(line, CASE), previous_customer="").acts
        assert not hurtful & {span.act for span in found}

    @pytest.mark.parametrize("line", SCRIPT.check)
    def test_checks_are_no_questions_for_a_story(self, line: str):
        analysis = analyze(line, previous_customer="")
        assert analysis.has(Act.CHECK_UNDERSTANDING) or analysis.has(Act.OFFER)
        assert not analysis.has(Act.OPEN_QUESTION)


class TestHearing:
    @pytest.mark.parametrize(
        ("line", "things"),
        [
            ("My landlord has been waiting for a reason.", ["your landlord"]),
            ("It's on top of the fridge, and your website says no.", ["the fridge", "our website"]),
            ("The old one was fine.", []),
            ("I want to talk to the manager!", []),
            ("The card terminal hangs on that line.", []),
            ("They cut the plan.", ["the plan"]),
            ("She called the lawyer\u2019s office.", []),
            ("", []),
        ],
    )
    def test_only_whole_things_are_asked_after(self, line: str, things: list[str]):
        assert named_things(line, "") == things

    def test_what_is_known_is_not_asked_after(self):
        assert named_things("It's my telescope in the garage.", "the telescope") == ["the garage"]

    @pytest.mark.parametrize(
        ("line", "kind"),
        [
            ("And when do I get it?", "when"),
            ("Who is going to do that?", "who"),
            ("How do I know that you're real?", "sure"),
            ("Why did nobody tell me?", "why"),
            ("How does that work?", "how"),
            ("Is it ruined?", "what"),
            ("How long? I mean it. Who told you so?", "who"),
            ("I don't know.", None),
        ],
    )
    def test_the_last_question_counts(self, line: str, kind: str | None):
        assert asked(line) == kind

    @pytest.mark.parametrize(
        ("line", "stands_out"),
        [
            ("...", "silent"),
            ("Mm.", "silent"),
            ("You people are useless idiots.", "insult"),
            ("I felt like an idiot.", None),
            ("Get me your supervisor.", "supervisor"),
            ("I'm about to hang up.", "leaving"),
            ("A minute ago you said ten dollars.", "contradicted"),
            ("Mmm, the cake is late.", None),
        ],
    )
    def test_some_things_stand_out(self, line: str, stands_out: str | None):
        assert cue(line) == stands_out


class TestOthers:
    def test_an_average_learner_words_every_offer_anew(self):
        for scenario in SPREAD:
            for seed in SEEDS:
                lines = said(play_profile(scenario, "average", seed=seed))
                titles = [item.title for item in scenario.resolutions]
                offers = [line for line in lines if any(title in line for title in titles)]
                assert len(set(offers)) == len(offers)

    def test_average_learners_offer_different_things(self):
        scenario = next(item for item in SCENARIOS if len(item.resolutions) > 1)
        text = "\n".join(
            line
            for seed in range(12)
            for line in said(play_profile(scenario, "average", seed=seed))
        )
        assert all(item.title in text for item in scenario.resolutions)

    @pytest.mark.parametrize("scenario", SPREAD, ids=lambda scenario: scenario.slug)
    def test_a_pushover_gives_something_away_in_every_turn(self, scenario: ScenarioSpec):
        gifts = [item.title for item in scenario.forbidden] or ["give you all of it for free"]
        for line in said(play_profile(scenario, "pushover", seed=1)):
            assert any(gift in line for gift in gifts)

    def test_an_over_apologizer_is_sorry_in_every_turn(self):
        for line in said(play_profile(SCENARIOS[0], "over-apologizer", seed=0)):
            assert re.search(r"sorry|apolog|forgive", line.lower())

    def test_a_silent_one_hardly_speaks(self):
        lines = [
            line
            for seed in range(8)
            for line in said(play_profile(SCENARIOS[0], "silent", seed=seed))
        ]
        assert max(len(line.split()) for line in lines) == 1
        assert "" in lines

    def test_a_parrot_has_no_words_of_its_own(self):
        trace = play_profile(SCENARIOS[0], "parrot", seed=2)
        heard = [trace.opening, *(exchange.reply for exchange in trace.exchanges)]
        for line, before in zip(said(trace), heard, strict=False):
            assert words(line) <= words(before) | {"so", "okay"}

    @pytest.mark.parametrize("profile", ["policy-robot", "rude", "unskilled"])
    def test_cold_learners_never_offer_a_solution(self, profile: str):
        for scenario in SPREAD:
            text = "\n".join(said(play_profile(scenario, profile, seed=0)))
            assert not any(item.title in text for item in scenario.resolutions)


class TestAttacks:
    def test_there_are_many_kinds(self):
        attacks = load_attacks()
        assert len({attack.text for attack in attacks}) == len(attacks) >= 40
        assert len({attack.family for attack in attacks}) >= 8

    def test_they_hide_and_speak_in_tongues(self):
        text = "".join(attack.text for attack in load_attacks())
        assert "\u200b" in text
        scripts = {unicodedata.name(char, "?").split()[0] for char in text if char.isalpha()}
        assert {"LATIN", "CJK", "HIRAGANA", "CYRILLIC", "ARABIC", "HANGUL", "FULLWIDTH"} <= scripts

    def test_a_conversation_tries_many_of_them(self):
        family = {attack.text: attack.family for attack in load_attacks()}
        trace = play_profile(SCENARIOS[0], "prompt-attacker", seed=0)
        lines = said(trace)
        assert len(set(lines)) == len(lines)
        tried = {family[line] for line in lines}
        assert len(tried) >= min(5, len(lines))

    def test_all_of_them_come_up_in_time(self):
        state = play_profile(SCENARIOS[0], "silent", seed=0).state
        texts = {
            next_line("prompt-attacker", SCENARIOS[0], state, (), seed=seed) for seed in range(800)
        }
        assert texts == {attack.text for attack in load_attacks()}

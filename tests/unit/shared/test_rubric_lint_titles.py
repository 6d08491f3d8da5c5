"""What the linter reads in titles: joints, vague terms, and what is neither."""

from typing import Any

import msgspec
import pytest

from shared.contracts.rubric import RubricSpec
from shared.library.indicators import load_indicators
from shared.library.rubric_lint import lint
from shared.library.rubric_lint.joints import find_joint
from shared.library.rubric_lint.terms import load_terms, verb_forms
from shared.library.skills import load_skills


def kind(title: str) -> str | None:
    joint = find_joint(title)
    return None if joint is None else joint.kind


@pytest.mark.parametrize(
    "title",
    [
        "Greets and verifies",
        "Greets & verifies",
        "Greets and thanks",
        "Greets, verifies",
        "Greets/verifies",
        "Greets the customer and then verifies the name",
        "The agent politely greets, then asks",
        "Apologizes, takes it on, or takes away a worry",
        "Explains prices and offers options",
        "Greeted the customer and verified identity",
        "Greeting the customer and verifying identity",
        "Ask and confirm",
        "Sums up or asks whether it was clear",
        "Says what is safe and takes the hurry out",
        "Agrees plus tells why",
    ],
)
def test_two_behaviors(title: str) -> None:
    assert kind(title) == "behaviors"


@pytest.mark.parametrize(
    "title",
    [
        "Did the agent greet and verify?",
        "Was the greeting warm and was the close clear?",
        "Did they greet? Did they close?",
        "Does the agent explain why or say what happens next?",
    ],
)
def test_two_questions(title: str) -> None:
    assert kind(title) == "questions"


@pytest.mark.parametrize(
    "title",
    [
        "Says price and conditions openly",
        "Closes with thanks or good wishes",
        "Empathy / patience",
        "Greeting, verification",
        "Listening and understanding",
        "Explains prices and offers",
        "Does the agent ask for a name or a number?",
        "Courtesy + warmth",
    ],
)
def test_two_things(title: str) -> None:
    assert kind(title) == "things"


@pytest.mark.parametrize(
    "title",
    [
        "Active listening",
        "Explains terms and conditions",
        "Asks for something secret, such as a PIN or a password",
        "Asks for something secret (PIN, password)",
        "When asked, explains why",
        "Explains why, without being asked",
        "Offers support around the clock (24/7)",
        "Keeps to 1,000 words",
        "Sets a price between 5 and 10",
        "Makes sure that both mean the same",
        "Does the agent say what happens next?",
        "Understands",
        "Handles the order",
        "A standard candle",
        "and",
        "/",
        "?",
        "",
    ],
)
def test_one_thing(title: str) -> None:
    assert kind(title) is None


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("ask", {"base": "ask", "third": "asks", "ing": "asking", "past": "asked"}),
        ("verify", {"third": "verifies", "ing": "verifying", "past": "verified"}),
        ("close", {"third": "closes", "ing": "closing", "past": "closed"}),
        ("agree", {"third": "agrees", "ing": "agreeing", "past": "agreed"}),
        ("match", {"third": "matches"}),
        ("stop", {"ing": "stopping", "past": "stopped"}),
        ("say", {"third": "says", "past": "said"}),
    ],
)
def test_forms_of_verbs(verb: str, forms: dict[str, str]) -> None:
    for form, word in forms.items():
        assert form in verb_forms()[word], verb


def test_lists_are_in_lower_case_and_nouns_are_verbs_of_the_list() -> None:
    terms = load_terms()
    words = (*terms.vague, *terms.harmless, *terms.minds, *terms.idioms, *terms.verbs)
    assert [word for word in words if word != word.lower()] == []
    assert set(terms.past) <= set(terms.verbs)


def codes(title: str, *, help_text: str = "", **criterion: Any) -> list[str]:
    """Return what the linter says about the words of a criterion of this title."""
    raw = {
        "slug": "x",
        "title": "X",
        "target": 50,
        "sections": [
            {
                "key": "s",
                "title": "S",
                "weight": 1,
                "criteria": [
                    {
                        "key": "c",
                        "title": title,
                        "skill": "relate.positive_attitude",
                        "weight": 1,
                        "help_text": help_text,
                        "indicators": [
                            {
                                "key": "explains",
                                "title": "Explains the reason",
                                "polarity": "good",
                                "weight": 1,
                            }
                        ],
                    }
                    | criterion
                ],
            }
        ],
    }
    findings = lint(msgspec.convert(raw, RubricSpec))
    return [each.code for each in findings if each.path.endswith("criteria/0/title")]


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("Professionalism", "undefined-title"),
        ("Soft skills", "undefined-title"),
        ("Overall quality of the conversation", "undefined-title"),
        ("Shows a good attitude", "undefined-title"),
        ("Proper greeting", "vague-term"),
        ("Uses appropriate words for the account", "vague-term"),
        ("Never argues", "absolute-term"),
        ("Genuinely sorry for the delay", "state-of-mind"),
        ("Warm tone of voice", "not-in-text"),
        ("AHT under target", "acronym-undefined"),
    ],
)
def test_terms(title: str, code: str) -> None:
    assert codes(title) == [code]


@pytest.mark.parametrize(
    "title",
    [
        "Closes with good wishes",
        "Puts into words what the customer feels",
        "Says what the customer really wants",
        "Asks for the PIN",
        "CALM UNDER PRESSURE",
        "Positive attitude",
        "Goodwill credit within the limit",
    ],
)
def test_harmless_titles(title: str) -> None:
    assert codes(title) == []


class TestDefinitions:
    HELP = "Professional: no slang, no jokes about other customers, no first names unasked."

    def test_a_help_text_defines_a_term(self) -> None:
        assert codes("Professional manner", help_text=self.HELP) == []
        assert codes("AHT under target", help_text="AHT is the average handle time.") == []

    def test_a_help_text_of_vague_words_defines_nothing(self) -> None:
        said = codes("Professional manner", help_text="The agent is professional at all times.")
        assert said == ["undefined-title"]

    def test_anchors_define_as_well(self) -> None:
        anchors = [
            {"from_score": 0, "label": "Low", "text": "Slang, jokes about customers, yelling"}
        ]
        assert codes("Professional manner", anchors=anchors) == []

    def test_only_its_own_skill_lends_a_name(self) -> None:
        assert codes("Positive attitude", skill="relate.empathy") == ["undefined-title"]


@pytest.mark.parametrize("key", load_indicators())
def test_titles_of_the_indicator_list_are_clean(key: str) -> None:
    known = load_indicators()[key]
    assert kind(known.title) is None
    assert known.definition.endswith(".")
    assert known.title[0].isupper()
    assert not known.title.endswith(".")


def test_names_of_skills_join_nothing() -> None:
    assert [skill.name for skill in load_skills().values() if kind(skill.name)] == []

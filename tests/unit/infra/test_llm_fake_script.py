"""The script language: which rule answers, what is wrong with a script, schemas."""

from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from infra.cli.main import main
from infra.llm_fake.answering import objects_in, reply, schema_in_words
from infra.llm_fake.asking import Ask, MalformedError, check_strict
from infra.llm_fake.choosing import Chooser
from infra.llm_fake.instances import minimal
from infra.llm_fake.lint import ScriptError, lint, read_script, schema_text
from infra.llm_fake.script import Answer, Match, Rule, Script, UsageCount

DOCS = Path(__file__).parents[3] / "docs"


def ask(said: str = "Hello", number: int = 1, **fields: Any) -> Ask:
    system = fields.pop("system", None)
    messages = [{"role": "user", "content": said}]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    body = {"model": "m", "messages": messages, **fields}
    return Ask(msgspec.json.encode(body), number=number)


def chosen(match: Match, *asks: Ask) -> list[bool]:
    chooser = Chooser(Script(rules=(Rule(name="it", match=match),)))
    return [chooser.choose(each).rule == "it" for each in asks]


SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}


@pytest.mark.parametrize(
    ("match", "fits", "not_fits"),
    [
        (Match(model="m"), ask(), ask(model="mm")),
        (Match(model="m.*"), ask(model="mm"), ask(model="n")),
        (Match(stream=True), ask(stream=True), ask()),
        (Match(stream=False), ask(), ask(stream=True)),
        (Match(schema=True), ask(response_format=SCHEMA), ask()),
        (Match(task="wording"), ask(system="# rapport:wording\nx"), ask(system="wording")),
        (Match(has=("seed",)), ask(seed=1), ask()),
        (
            Match(has=("stream_options.include_usage",)),
            ask(stream=True, stream_options={"include_usage": True}),
            ask(stream=True),
        ),
        (Match(lacks=("seed",)), ask(), ask(seed=1)),
        (Match(user="^refund"), ask("My\nrefund"), ask("no refund")),
        (Match(system="tester"), ask(system="You are a tester."), ask("tester")),
        (Match(user="a.*b", stream=False), ask("a\nb"), ask("a\nb", stream=True)),
    ],
)
def test_matching(match: Match, fits: Ask, not_fits: Ask) -> None:
    assert chosen(match, fits, not_fits) == [True, False]


def test_counting_is_per_rule_and_only_of_what_fits() -> None:
    asks = [ask("yes") if n % 2 else ask("no") for n in range(12)]

    assert chosen(Match(user="yes", first=2), *asks).count(True) == 2
    assert chosen(Match(first=2), *[ask()] * 4) == [True, True, False, False]
    assert chosen(Match(after=2), *[ask()] * 4) == [False, False, True, True]
    assert chosen(Match(every=2), *[ask()] * 4) == [True, False, True, False]
    assert chosen(Match(after=1, every=2, first=1), *[ask()] * 5) == [
        *(False, True, False, False, False)
    ]


def test_chance_depends_on_seed_and_request() -> None:
    asks = [ask(str(n)) for n in range(200)]
    rules = (Rule(match=Match(chance=0.25)),)

    def draws(seed: int) -> list[str]:
        chooser = Chooser(Script(seed=seed, rules=rules))
        return [chooser.choose(each).rule for each in asks]

    assert draws(1) == draws(1) != draws(2)
    assert 25 <= draws(1).count("rule 1") <= 75


def test_words_are_filled_in() -> None:
    said = _reply(Answer(text="{last} / {model} / {number} / {task} / {other}"), ask("Hi", 4))

    assert said.text == "Hi / m / 4 /  / {other}"
    assert _reply(Answer(json={"a": 1}), ask()).text == '{"a":1}'
    assert _reply(Answer(json=None), ask()).text == "null"


def _reply(answer: Answer, asked: Ask) -> Any:
    chooser = Chooser(Script(rules=(Rule(answer=answer),)))
    return reply(asked, chooser.choose(asked), {})


def test_usage() -> None:
    assert _reply(Answer(usage=False), ask()).usage is None
    claimed = UsageCount(prompt_tokens=7, completion_tokens=9)
    assert _reply(Answer(usage=claimed), ask()).usage == claimed
    longer = _reply(Answer(text="x" * 400), ask("y" * 400)).usage
    assert longer.completion_tokens == 100
    assert longer.prompt_tokens > 100


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    kind: Any
    size: int | None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, ""),
        ({"type": "string", "minLength": 3}, "xxx"),
        ({"type": "string", "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]+)*$"}, "en"),
        ({"type": "string", "pattern": "^[0-9]{8}$", "minLength": 8}, "00000000"),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "minimum": 3, "multipleOf": 5}, 5),
        ({"type": "number", "minimum": 0.5}, 0.5),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 4}, 4),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ({"type": ["string", "null"]}, None),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"anyOf": [{"type": "integer", "minimum": 2}, {"type": "string"}]}, 2),
        ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, {"a": ""}),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "integer"}}}, 0),
    ],
)
def test_minimal_instances(schema: dict[str, Any], value: Any) -> None:
    assert minimal(schema) == value


def test_a_schema_about_itself_ends() -> None:
    schema = {
        "$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}},
        "$ref": "#/$defs/n",
    }

    assert "n" in minimal(schema)


def test_sensible_without_a_script() -> None:
    wanted = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    official = {"type": "json_schema", "json_schema": {"name": "x", "schema": wanted}}
    in_words = f"Answer as JSON with this schema: {msgspec.json.encode(wanted).decode()}"

    assert _reply(Answer(), ask(response_format=official)).text == '{"n":0}'
    as_object = ask(in_words, response_format={"type": "json_object"})
    assert _reply(Answer(), as_object).text == '{"n":0}'
    bare = ask("Some json, please", response_format={"type": "json_object"})
    assert _reply(Answer(), bare).text == "{}"
    assert "Hello" in _reply(Answer(), ask()).text
    assert schema_in_words(ask()) is None


def test_objects_in_a_text() -> None:
    assert objects_in('a {x} {"b": {"c": "}"}} and {"d": 1}') == [{"b": {"c": "}"}}, {"d": 1}]


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "array"}, "must be of type 'object'"),
        ({"type": "object", "properties": {}}, "'additionalProperties' is required"),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
            "Missing 'a'",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "object"}},
                "required": ["a"],
                "additionalProperties": False,
            },
            "In context=('properties', 'a')",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"oneOf": []}},
                "required": ["a"],
                "additionalProperties": False,
            },
            "'oneOf' is not permitted",
        ),
    ],
)
def test_strict_schemas(schema: dict[str, Any], says: str) -> None:
    with pytest.raises(MalformedError) as error:
        check_strict(schema, "x")

    assert says in error.value.message


def test_parts_of_messages_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    body = {"model": "m", "messages": [{"role": "user", "content": parts}]}

    assert Ask(msgspec.json.encode(body), number=1).last == "ab"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "not YAML"),
        ("rule: []", "unknown field `rule`"),
        ("rules: 3", "rules: Expected `array`"),
        ("rules: [{match: {task: 4}}]", "rules[0].match.task: Expected `str | null`"),
        ("rules: [{answer: {fault: boom}}]", "rules[0].answer.fault: Invalid enum value 'boom'"),
        ("rules: [{answer: {status: 99}}]", "Expected `int` >= 200"),
        ("rules: [{match: {user: '('}}]", "rule 1: match.user: not a regular expression"),
        ("rules: [{answer: {text: a, refusal: b}}]", "one of text, refusal"),
        ("rules: [{answer: {text: a, status: 500}}]", "says `error` or `body`"),
        ("rules: [{answer: {error: {message: a}}}]", "needs a `status`"),
        ("rules: [{answer: {retry_after: 3}}]", "needs a `status` such as 429"),
        ("rules: [{answer: {text: a, fault: empty}}]", "says something else"),
        ("rules: [{}, {answer: {text: a}}]", "rule 2: is never reached, rule 1 takes everything"),
        ("rules: [{name: a, match: {task: x}}, {name: a}]", "a: the name is taken"),
        ("rules: [{match: {chance: 0}}]", "0 never happens"),
        ("rules: [{match: {has: [seed], lacks: [seed]}}]", "cannot be there and be missing"),
        ("rules: [{answer: {headers: {'a b': c}}}]", "no header that can be sent"),
        ("rules: [{answer: {headers: {Content-Length: '3'}}}]", "is the server's"),
        ("rules: [{answer: {oddities: [as_stream, no_stream]}}]", "a stream or none"),
        ("rules: [{answer: {oddities: [chunked, until_close]}}]", "chunks or"),
        ("rules: [{answer: {oddities: [no_stream], fault: no_end}}]", "needs a stream"),
        ("rules: [{answer: {byte_ms: 1, delta_ms: 1}}]", "one of byte_ms, delta_ms"),
        ("{is_strict: true, models: []}", "none exists"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, says: str) -> None:
    with pytest.raises(ScriptError) as error:
        read_script(text, "a.yaml")

    assert all(fault.startswith("a.yaml: ") for fault in error.value.faults)
    assert says in str(error.value)


def test_all_mistakes_are_said_at_once() -> None:
    text = "rules: [{match: {user: '('}, answer: {retry_after: 3}}]"
    with pytest.raises(ScriptError) as error:
        read_script(text, "a.yaml")

    assert len(error.value.faults) == 2


def test_empty_scripts_are_fine() -> None:
    assert read_script("", "x") == Script()
    assert not list(lint(Script()))


def test_every_script_of_the_guide_works() -> None:
    guide = (DOCS / "guides" / "llm-fake.md").read_text("utf-8")
    scripts = [part.split("```")[0] for part in guide.split("```yaml\n")[1:]]

    assert len(scripts) >= 3
    for text in scripts:
        assert read_script(text, "guide").rules


def test_the_schema_in_the_docs_is_up_to_date() -> None:
    assert (DOCS / "llm-fake.schema.json").read_text("utf-8") == schema_text(), (
        "run: rapport llm fake --schema > docs/llm-fake.schema.json"
    )


def test_the_command_checks_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("rules: [{answer: {text: hello}}]")
    bad.write_text("rules: [{answer: {text: hello, refusal: never}}]")

    assert main(["llm", "fake", "--check", "--script", str(good)]) == 0
    assert main(["llm", "fake", "--check", "--script", str(bad)]) == 1
    assert main(["llm", "fake", "--check", "--script", str(tmp_path / "none")]) == 1
    assert main(["llm", "fake", "--api-key-env", "RAPPORT_NO_SUCH_VARIABLE"]) == 1
    said = capsys.readouterr()
    assert "1 rules, nothing wrong" in said.out
    assert "one of text, refusal" in said.err


def test_dice_are_repeatable() -> None:
    first, second = (Chooser(Script(seed=3)).choose(ask()).dice for _ in range(2))

    assert isinstance(first, Random)
    assert first.random() == second.random()

"""Reading scripts from files, with everything that is wrong with one in words."""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import yaml

from infra.llm_fake.script import Answer, Fault, Match, Oddity, Script, compiled

STREAMS_ONLY: Final = frozenset({Fault.NO_END, Fault.ERROR_EVENT})
"""Faults that a plain answer cannot have."""


class ScriptError(Exception):
    """A script is wrong; `faults` has one line for each mistake."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read_script(text: str, where: str) -> Script:
    """Return the script of a YAML or JSON text.

    Args:
        text: of the file.
        where: its name, for messages.

    Raises:
        ScriptError: it is no script, or one that cannot work.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScriptError([f"{where}: not YAML: {_one_line(str(error))}"]) from None
    try:
        script = msgspec.convert(data if data is not None else {}, Script)
    except msgspec.ValidationError as error:
        raise ScriptError([f"{where}: {_place(str(error))}"]) from None
    faults = list(lint(script))
    if faults:
        raise ScriptError([f"{where}: {fault}" for fault in faults])
    return script


def schema_text() -> str:
    """Return the JSON Schema of a script, for editors."""
    schema = msgspec.json.schema(Script)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Script of the scripted endpoint",
        **schema,
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def lint(script: Script) -> Iterator[str]:
    """Return what cannot work in a script, one line each."""
    names: set[str] = set()
    swallowed: str | None = None
    for place, rule in enumerate(script.rules):
        name = script.name_of(place)
        if name in names or name == "auto":
            yield f"{name}: the name is taken"
        names.add(name)
        if swallowed is not None:
            yield f"{name}: is never reached, {swallowed} takes everything"
        if rule.match == Match():
            swallowed = swallowed or name
        for fault in (*_in_match(rule.match), *_in_answer(rule.answer)):
            yield f"{name}: {fault}"
    if script.is_strict and not script.models:
        yield "is_strict: names no models, so that none exists"


def _in_match(match: Match) -> Iterator[str]:
    for field in ("model", "user", "system"):
        pattern = getattr(match, field)
        try:
            compiled(pattern or "")
        except re.error as error:
            yield f"match.{field}: not a regular expression: {error}"
    for path in set(match.has) & set(match.lacks):
        yield f"match: `{path}` cannot be there and be missing"
    if match.chance == 0:
        yield "match.chance: 0 never happens"


def _in_answer(answer: Answer) -> Iterator[str]:
    contents = {
        "text": answer.text is not None,
        "json": answer.json is not msgspec.UNSET,
        "refusal": answer.refusal is not None,
        "body": answer.body is not None,
    }
    given = [name for name, is_given in contents.items() if is_given]
    if len(given) > 1:
        yield f"answer: one of {', '.join(given)}"
    if answer.status >= 300 and set(given) - {"body"}:
        yield f"answer.{given[0]}: an answer with status {answer.status} says `error` or `body`"
    is_error = answer.status >= 300 or answer.fault is Fault.ERROR_EVENT
    if answer.error is not None and not is_error:
        yield "answer.error: needs a `status` of 300 or more"
    if answer.status < 300 and answer.retry_after is not None:
        yield "answer.retry_after: needs a `status` such as 429 or 503"
    yield from _headers(answer.headers)
    yield from _in_fault(answer, given)


def _in_fault(answer: Answer, given: list[str]) -> Iterator[str]:
    fault, oddities = answer.fault, set(answer.oddities)
    says = {Fault.EMPTY, Fault.HUGE, Fault.BOMB, Fault.WRONG_SCHEMA, Fault.NO_CHOICES}
    if fault in says and given:
        yield f"answer.{given[0]}: the fault `{fault}` says something else"
    if fault in STREAMS_ONLY and Oddity.NO_STREAM in oddities:
        yield f"answer.fault: `{fault}` needs a stream"
    if {Oddity.AS_STREAM, Oddity.NO_STREAM} <= oddities:
        yield "answer.oddities: a stream or none"
    if {Oddity.CHUNKED, Oddity.UNTIL_CLOSE} <= oddities:
        yield "answer.oddities: chunks or the connection's end"
    if answer.byte_ms is not None and answer.delta_ms is not None:
        yield "answer: one of byte_ms, delta_ms"


def _headers(headers: dict[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        is_fine = re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) and value.isprintable()
        if not (is_fine and value.isascii()):
            yield f"answer.headers: `{name}` is no header that can be sent"
        if name.lower() in {"content-length", "transfer-encoding", "content-encoding"}:
            yield f"answer.headers: `{name}` is the server's; see fault and oddities"


def _place(message: str) -> str:
    """Return msgspec's words with the place first: `rules[0].match: ...`."""
    said, _, place = message.partition(" - at `$")
    return f"{place.rstrip('`').lstrip('.')}: {said}" if place.strip("`") else said


def _one_line(text: str) -> str:
    return " ".join(text.split())


def load(value: Any) -> Script:
    """Return the checked script of built-in data.

    Raises:
        ScriptError: it is no script, or one that cannot work.
    """
    return read_script(msgspec.json.encode(value).decode(), "script")

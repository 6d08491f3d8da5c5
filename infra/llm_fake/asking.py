"""A request to the endpoint, read."""

import re
from functools import cached_property
from typing import Any, Final

import msgspec

TASK: Final = re.compile(r"\s*# rapport:([a-z_]+)")
"""The first line of a system message that names the prompt."""

Json = dict[str, Any]


class MalformedError(Exception):
    """The request is wrong; carries what the answer says."""

    def __init__(self, message: str, param: str | None = None, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.status = status


class Said(msgspec.Struct, frozen=True):
    """One message of a request."""

    role: str
    text: str


class _Message(msgspec.Struct, frozen=True):
    role: str
    content: str | list[Json] | None = None


class _Read(msgspec.Struct, frozen=True):
    messages: list[_Message]
    model: str = ""
    stream: bool | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None
    temperature: float | None = None
    seed: int | None = None
    response_format: Json | None = None
    stream_options: Json | None = None


_DECODER: Final = msgspec.json.Decoder(_Read)


class Ask:
    """What is asked for in one request."""

    def __init__(self, body: bytes, *, number: int, deployment: str | None = None) -> None:
        """Read the body.

        Raises:
            MalformedError: it is no chat request.
        """
        self.raw = body
        self.number = number
        """Of this request, from 1."""
        try:
            self.read = _DECODER.decode(body)
        except msgspec.ValidationError as error:
            raise MalformedError(f"Invalid request: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise MalformedError("We could not parse the JSON body of your request.") from None
        self.is_azure = deployment is not None
        self.model = self.read.model or deployment or ""
        self.is_stream = bool(self.read.stream)
        _check(self.read, self.model)

    @cached_property
    def body(self) -> Json:
        """The body as it came."""
        found: Json = msgspec.json.decode(self.raw)
        return found

    @cached_property
    def messages(self) -> list[Said]:
        """What was said, parts joined."""
        return [Said(each.role, _text(each.content)) for each in self.read.messages]

    @cached_property
    def system(self) -> str:
        """Everything that the system (or developer) says."""
        said = (each for each in self.messages if each.role in {"system", "developer"})
        return "\n".join(each.text for each in said)

    @cached_property
    def last(self) -> str:
        """The last message of the user; empty without one."""
        said = [each.text for each in self.messages if each.role == "user"]
        return said[-1] if said else ""

    @property
    def task(self) -> str:
        """Which of our prompts it is; empty for others."""
        first = self.read.messages[0].content
        found = TASK.match(first) if isinstance(first, str) else TASK.match(self.system)
        return found[1] if found else ""

    @property
    def schema(self) -> Json | None:
        """The JSON Schema of the answer, if one came the official way."""
        wanted = self.read.response_format
        if wanted is None or wanted.get("type") != "json_schema":
            return None
        schema: Json | None = (wanted.get("json_schema") or {}).get("schema")
        return schema

    @property
    def wants_json(self) -> bool:
        """Whether the answer must be a JSON object, of whatever form."""
        wanted = self.read.response_format
        return wanted is not None and wanted.get("type") in {"json_object", "json_schema"}

    @property
    def wants_usage(self) -> bool:
        """Whether the tokens are to be told."""
        if not self.is_stream:
            return True
        return bool((self.read.stream_options or {}).get("include_usage"))

    @property
    def limit(self) -> int | None:
        """Tokens that the answer may have."""
        return self.read.max_completion_tokens or self.read.max_tokens

    def has(self, path: str) -> bool:
        """Whether the body brings a field, dots for depth."""
        found: Any = self.body
        for name in path.split("."):
            if not isinstance(found, dict) or name not in found:
                return False
            found = found[name]
        return found is not None


def _text(content: str | list[Json] | None) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return content or ""


def _check(read: _Read, model: str) -> None:
    if not model:
        raise MalformedError("you must provide a model parameter", "model")
    if not read.messages:
        raise MalformedError("Invalid 'messages': empty array.", "messages")
    if read.temperature is not None and not 0 <= read.temperature <= 2:
        raise MalformedError("Invalid 'temperature': 0 to 2.", "temperature")
    if read.n not in {None, 1}:
        raise MalformedError("This endpoint gives one choice.", "n")
    if read.stream_options is not None and not read.stream:
        raise MalformedError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    limits = read.max_tokens, read.max_completion_tokens
    if None not in limits:
        raise MalformedError("Use one of 'max_tokens' and 'max_completion_tokens'.", "max_tokens")
    if any(limit is not None and limit < 1 for limit in limits):
        raise MalformedError("Invalid limit on tokens: at least 1.", "max_completion_tokens")
    if read.response_format is not None:
        _check_format(read)


def _check_format(read: _Read) -> None:
    wanted: Json = read.response_format or {}
    kind = wanted.get("type")
    if kind not in {"text", "json_object", "json_schema"}:
        raise MalformedError(f"Invalid value: '{kind}'.", "response_format.type")
    if kind == "json_object" and not any(
        "json" in _text(each.content).lower() for each in read.messages
    ):
        raise MalformedError(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of "
            "type 'json_object'.",
            "messages",
        )
    if kind == "json_schema":
        given = wanted.get("json_schema")
        if not isinstance(given, dict) or not isinstance(given.get("schema"), dict):
            raise MalformedError("Missing required parameter.", "response_format.json_schema")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(given.get("name", ""))):
            raise MalformedError("Invalid name.", "response_format.json_schema.name")
        if given.get("strict"):
            check_strict(given["schema"], str(given["name"]))


UNSUPPORTED: Final = frozenset(
    {"allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else", "oneOf",
     "patternProperties", "prefixItems", "unevaluatedProperties", "propertyNames", "default"}
)  # fmt: skip
"""Keywords of JSON Schema that strict answers may not use."""


def check_strict(schema: Json, name: str) -> None:
    """Check that a schema is one that strict endpoints take.

    Raises:
        MalformedError: it is not, in the words of such an endpoint.
    """
    where = f"Invalid schema for response_format '{name}': "
    root = schema
    if "$ref" in root:
        root = _resolve(root, schema)
    if root.get("type") != "object":
        raise MalformedError(where + "schema must be of type 'object'.", "response_format")
    for place, part in _parts(schema, "()"):
        fault = _fault(part)
        if fault:
            raise MalformedError(f"{where}In context={place}, {fault}", "response_format")


def _resolve(part: Json, schema: Json) -> Json:
    found: Any = schema
    for name in str(part["$ref"]).removeprefix("#/").split("/"):
        found = found.get(name, {}) if isinstance(found, dict) else {}
    return dict(found)


def _fault(part: Json) -> str | None:
    wrong = sorted(UNSUPPORTED & part.keys())
    if wrong:
        return f"'{wrong[0]}' is not permitted."
    if part.get("type") != "object":
        return None
    if part.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    missing = sorted(part.get("properties", {}).keys() - set(part.get("required", ())))
    if missing:
        return (
            "'required' is required to be supplied and to be an array including every key in "
            f"properties. Missing '{missing[0]}'."
        )
    return None


def _parts(schema: Json, place: str) -> list[tuple[str, Json]]:
    """Return every schema within one, with its place in words."""
    found = [(place, schema)]
    for name in ("properties", "$defs"):
        for key, part in schema.get(name, {}).items():
            found += _parts(part, f"('{name}', '{key}')")
    if isinstance(schema.get("items"), dict):
        found += _parts(schema["items"], "('items')")
    for part in schema.get("anyOf", ()):
        found += _parts(part, "('anyOf')")
    return found

"""Answers in the endpoint's own form: plain bodies, events of a stream, errors."""

import hashlib
import re
from typing import Any, Final

import msgspec

from infra.llm_fake.answering import Reply
from infra.llm_fake.asking import Ask
from infra.llm_fake.script import Answer, ErrorBody, Fault, UsageCount

Json = dict[str, Any]

CREATED: Final = 1_767_225_600
"""The same in every answer, because the same request gives the same bytes."""

ERRORS: Final[dict[int, tuple[str, str | None, str]]] = {
    400: ("invalid_request_error", None, "Your request is wrong."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "permission_denied", "You may not use this."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    405: ("invalid_request_error", None, "Not allowed."),
    408: ("timeout", None, "The request took too long."),
    409: ("conflict", None, "The resource is in use."),
    413: ("invalid_request_error", None, "The request is too large."),
    422: ("invalid_request_error", "unprocessable_entity", "The request cannot be processed."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    500: ("server_error", None, "The server had an error while processing your request."),
    502: ("server_error", None, "Bad gateway."),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
}
"""By status: type, code, message."""

_WORD_STARTS: Final = re.compile(r"(?<=\s)(?=\S)")


def identity(ask: Ask, chance: str, seed: int) -> tuple[str, str]:
    """Return the answer's id and the system's fingerprint."""
    digest = hashlib.blake2b(chance.encode(), digest_size=12).hexdigest()
    system = hashlib.blake2b(f"{seed}/{ask.model}".encode(), digest_size=5).hexdigest()
    return f"chatcmpl-{digest}", f"fp_{system}"


def error(status: int, said: ErrorBody | None = None) -> bytes:
    """Return the body of an error."""
    kind, code, message = ERRORS.get(status, ("server_error", None, "Something went wrong."))
    said = said or ErrorBody()
    told = {
        "message": said.message or message,
        "type": said.type or kind,
        "param": said.param,
        "code": said.code or code,
    }
    return msgspec.json.encode({"error": told})


def models(names: tuple[str, ...]) -> bytes:
    """Return the list of models."""
    data = [
        {"id": name, "object": "model", "created": CREATED, "owned_by": "rapport"} for name in names
    ]
    return msgspec.json.encode({"object": "list", "data": data})


def plain(ask: Ask, reply: Reply, answer: Answer, ids: tuple[str, str]) -> bytes:
    """Return the body of an answer that is no stream."""
    if answer.body is not None:
        return answer.body.encode()
    message: Json = {
        "role": "assistant",
        "content": None if reply.refusal is not None else reply.text,
        "refusal": reply.refusal,
    }
    choice: Json = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}
    if ask.is_azure:
        choice["content_filter_results"] = _SAFE
    told = _envelope(ask, ids, "chat.completion")
    told["choices"] = [] if answer.fault is Fault.NO_CHOICES else [choice]
    if reply.usage is not None:
        told["usage"] = _usage(reply.usage)
    if answer.extra:
        told |= _EXTRA
        message["reasoning_content"] = "thinking"
        message["annotations"] = []
    body = msgspec.json.encode(told)
    return body[: len(body) * 2 // 3] + b"}}" if answer.fault is Fault.MALFORMED else body


def events(ask: Ask, reply: Reply, answer: Answer, ids: tuple[str, str]) -> list[bytes]:
    """Return the data of a stream's events, `[DONE]` included."""
    told = _envelope(ask, ids, "chat.completion.chunk")
    if answer.extra:
        told |= _EXTRA
    found = []
    if ask.is_azure:
        first = told | {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
        found.append(msgspec.json.encode(first))
    if answer.fault is not Fault.NO_CHOICES:
        found += _spoken(told, reply, answer)
    if reply.usage is not None and ask.wants_usage:
        found.append(msgspec.json.encode(told | {"choices": [], "usage": _usage(reply.usage)}))
    if answer.fault is Fault.NO_END:
        return found[: _opening(ask) + len(pieces(reply.text, answer))]
    return [*found, b"[DONE]"]


def _opening(ask: Ask) -> int:
    """Return how many events come before the first word."""
    return 2 if ask.is_azure else 1


def cut_point(ask: Ask, answer: Answer, count: int) -> int:
    """Return how many of `count` events a stream with a fault sends before it."""
    return min(_opening(ask) + answer.after_deltas, max(count - 1, 0))


def pieces(text: str, answer: Answer) -> list[str]:
    """Return the text as a stream sends it."""
    if not text:
        return []
    if answer.fault is Fault.HUGE:
        return [text[at : at + 4096] for at in range(0, len(text), 4096)]
    match answer.delta:
        case "whole":
            return [text]
        case "character":
            return list(text)
        case "word":
            return [each for each in _WORD_STARTS.split(text) if each]


def _spoken(told: Json, reply: Reply, answer: Answer) -> list[bytes]:
    """Return the events with the message: who speaks, the text, why it ends."""
    opening: Json = {"role": "assistant", "content": "", "refusal": None}
    field = "refusal" if reply.refusal is not None else "content"
    parts = pieces(reply.refusal if reply.refusal is not None else reply.text, answer)
    # The frame is the same for each piece: encoding it once makes a long stream cheap.
    frame = msgspec.json.encode(_chunk(told, {field: _MARK}))
    before, _, after = frame.partition(msgspec.json.encode(_MARK))
    return [
        msgspec.json.encode(_chunk(told, opening)),
        *(before + msgspec.json.encode(part) + after for part in parts),
        msgspec.json.encode(_chunk(told, {}, finish=reply.finish)),
    ]


def _chunk(told: Json, delta: Json, finish: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return told | {"choices": [choice]}


def _envelope(ask: Ask, ids: tuple[str, str], kind: str) -> Json:
    return {
        "id": ids[0],
        "object": kind,
        "created": CREATED,
        "model": ask.model,
        "system_fingerprint": ids[1],
    }


def _usage(usage: UsageCount) -> Json:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
    }


_MARK: Final = "\x00"
_EXTRA: Final[Json] = {
    "service_tier": "default",
    "x_unknown": {"deep": [1, 2.5, None, "é"]},
    "provider": "somebody",
}
_SAFE: Final[Json] = {"hate": {"filtered": False, "severity": "safe"}}

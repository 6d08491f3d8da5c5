"""`/docs`: the OpenAPI document as one page for people. No script, nothing from elsewhere."""

import base64
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from typing import Any, Final

from services.api.openapi.markup import (
    examples,
    inline,
    kind_of,
    meaning_of,
    paragraphs,
    properties,
    table,
)

Json = dict[str, Any]

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1b1f24;background:#fff}
main{max-width:62rem;margin:0 0 4rem 19rem;padding:1rem 2rem}
nav{position:fixed;inset:0 auto 0 0;width:17rem;overflow:auto;padding:1rem;background:#f4f5f7;
font-size:.85rem}
nav ul{list-style:none;margin:0 0 .8rem;padding:0}nav b{display:block;margin-top:.6rem}
a{color:#0b57a4;text-decoration:none}a:hover,a:focus{text-decoration:underline}
section{border-top:1px solid #d8dbe0;padding-top:.5rem;margin-top:2rem}
h3 code{font-size:1rem}code,pre{font-family:ui-monospace,monospace;font-size:.86em}
code{background:#eef0f3;border-radius:3px;padding:0 .2em;overflow-wrap:anywhere}
pre{background:#f4f5f7;padding:.8rem;overflow:auto;max-height:32rem}
table{border-collapse:collapse;width:100%;margin:.6rem 0}
th,td{border:1px solid #d8dbe0;padding:.25rem .5rem;text-align:left;vertical-align:top}
summary{cursor:pointer;margin:.3rem 0}.method{font-weight:700;margin-right:.5rem}
@media(max-width:60rem){nav{position:static;width:auto}main{margin-left:0}}
"""

_HASH: Final = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""The page needs its own style and nothing else, so nothing else is allowed."""


def reference_page(document: Json) -> tuple[bytes, dict[str, str]]:
    """Return the page of a document, and the headers it is served with."""
    info = document["info"]
    by_tag: dict[str, list[tuple[str, str, Json]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    told = {each["name"]: each["description"] for each in document["tags"]}
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>",
        *_contents(by_tag),
        f"<main><h1>{escape(info['title'])} API, {escape(info['version'])}</h1>",
        f"<p>{inline(info['summary'])}</p>{paragraphs(info['description'])}",
        '<p>The same for programs: <a href="/openapi.json">openapi.json</a>.</p>',
    ]
    for tag, operations in sorted(by_tag.items()):
        parts.append(f'<h2 id="tag-{escape(tag)}">{escape(tag)}</h2>{paragraphs(told[tag])}')
        for method, path, operation in operations:
            parts += _operation(method, path, operation, document)
    parts += _events(document)
    parts += _schemas(document)
    return "\n".join([*parts, "</main></body></html>", ""]).encode(), HEADERS


def _contents(by_tag: dict[str, list[tuple[str, str, Json]]]) -> Iterator[str]:
    yield "<nav><ul>"
    for tag, operations in sorted(by_tag.items()):
        yield f'<li><a href="#tag-{escape(tag)}"><b>{escape(tag)}</b></a><ul>'
        for _, _, operation in operations:
            name = escape(operation["operationId"])
            yield f'<li><a href="#{name}">{name}</a></li>'
        yield "</ul></li>"
    yield '<li><a href="#events"><b>Events</b></a></li>'
    yield '<li><a href="#schemas"><b>Schemas</b></a></li></ul></nav>'


def _operation(method: str, path: str, operation: Json, document: Json) -> Iterator[str]:
    name = escape(operation["operationId"])
    yield f'<section id="{name}"><h3><span class="method">{method}</span>'
    yield f"<code>{escape(path)}</code></h3>"
    yield f'<p><a href="#{name}"><b>{inline(operation["summary"])}</b></a></p>'
    if operation["description"] != operation["summary"]:
        yield paragraphs(operation["description"])
    if operation.get("deprecated"):
        yield "<p><strong>Deprecated.</strong></p>"
    ways = {
        way.replace("_", " "): scopes
        for each in operation["security"]
        for way, scopes in each.items()
    }
    scopes = dict.fromkeys(scope for each in ways.values() for scope in each)
    codes = ", ".join(f"<code>{escape(each)}</code>" for each in scopes)
    yield f"<p>Scope: {codes}, of an {' or a '.join(escape(each) for each in ways)}</p>"
    yield table(
        ("parameter", "type", "meaning"), [_parameter(each) for each in operation["parameters"]]
    )
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        yield f"<p>Body: {kind_of(content['schema'])}</p>"
        yield from examples(content)
    yield from _answers(operation["responses"], document)
    yield "</section>"


def _parameter(parameter: Json) -> tuple[str, str, str]:
    schema = parameter["schema"]
    needed = "" if parameter.get("required") else " <i>optional</i>"
    return (
        f"<code>{escape(parameter['name'])}</code> ({escape(parameter['in'])}){needed}",
        kind_of(schema),
        meaning_of(parameter.get("description", ""), schema),
    )


def _answers(responses: Json, document: Json) -> Iterator[str]:
    refused = []
    for status, each in responses.items():
        if "$ref" in each:
            shared = document["components"]["responses"][each["$ref"].rsplit("/", 1)[1]]
            (content,) = shared["content"].values()
            codes = ", ".join(
                f'<a href="/problems/{escape(code)}"><code>{escape(code)}</code></a>'
                for code in content["examples"]
            )
            refused.append((status, codes))
            continue
        shown = each.get("content", {})
        kinds = ", ".join(
            f"{kind_of(content['schema'])} ({escape(kind)})" for kind, content in shown.items()
        )
        yield f"<p>Answer <b>{status}</b>: {kinds or 'no body'}</p>"
        for content in shown.values():
            yield from examples(content)
    yield f"<details><summary>Refusals</summary>{table(('status', 'code'), refused)}</details>"


def _events(document: Json) -> Iterator[str]:
    yield '<h2 id="events">Events</h2>'
    for name, methods in document.get("webhooks", {}).items():
        content = methods["post"]["requestBody"]["content"]["application/json"]
        data = content["schema"]["properties"]["data"]
        yield f'<section id="event-{escape(name)}"><h3><code>{escape(name)}</code></h3>'
        yield f"<p>{inline(methods['post']['summary'])}</p><p>Data: {kind_of(data)}</p>"
        yield from examples(content)
        yield "</section>"


def _schemas(document: Json) -> Iterator[str]:
    yield '<h2 id="schemas">Schemas</h2>'
    for name, schema in document["components"]["schemas"].items():
        yield f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3>'
        yield paragraphs(schema.get("description", ""))
        yield properties(schema) or f"<p>{kind_of(schema)}</p>"
        yield "</section>"

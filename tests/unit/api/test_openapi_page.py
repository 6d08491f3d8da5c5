import base64
import re
from hashlib import sha256
from typing import Any

import pytest

from services.api.openapi import build_document
from services.api.openapi.markup import inline, kind_of, limits_of, paragraphs, properties
from services.api.reference_page import reference_page

SCRIPT = "<script>alert(1)</script>"

OPERATION: dict[str, Any] = {
    "operationId": "make_thing",
    "summary": f"Make `a` thing {SCRIPT}.",
    "description": f"Long **words** {SCRIPT}.",
    "deprecated": True,
    "tags": ["things"],
    "security": [{"api_key": ["things:write"]}],
    "parameters": [
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}},
    ],
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Thing"},
                "examples": {"one": {"summary": SCRIPT, "value": {"text": SCRIPT}}},
            }
        }
    },
    "responses": {"204": {"description": "No content"}},
}


@pytest.fixture(scope="module")
def page() -> tuple[str, dict[str, str]]:
    document = build_document([]) | {
        "tags": [{"name": "things", "description": SCRIPT}],
        "paths": {"/v1/things": {"post": OPERATION}},
    }
    document["components"]["schemas"]["Thing"] = {
        "type": "object",
        "description": SCRIPT,
        "properties": {"text": {"type": "string", "description": SCRIPT, "maxLength": 4000}},
    }
    body, headers = reference_page(document)
    return body.decode(), headers


def test_nothing_but_its_own_style_may_load(page: tuple[str, dict[str, str]]) -> None:
    body, headers = page
    (style,) = re.findall("<style>(.*?)</style>", body, flags=re.DOTALL)
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()

    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"""(src|href)=["']?(https?:)?//|<link|<img|style=|\son\w+=""", body)


def test_texts_of_the_document_are_no_markup(page: tuple[str, dict[str, str]]) -> None:
    body, _ = page

    assert "<script" not in body
    assert body.count("&lt;script&gt;") >= 6


def test_operations_and_schemas_have_anchors(page: tuple[str, dict[str, str]]) -> None:
    body, _ = page
    anchors = set(re.findall(r'id="([^"]+)"', body))
    links = set(re.findall(r'href="#([^"]+)"', body))

    assert {"make_thing", "schema-Thing", "tag-things", "event-simulation.ended"} <= anchors
    assert links <= anchors
    assert "<strong>Deprecated.</strong>" in body
    assert "<code>things:write</code>" in body


def test_kinds_in_words() -> None:
    assert kind_of({"type": "array", "items": {"type": "integer", "format": "int32"}}) == (
        "list of integer (int32)"
    )
    assert kind_of({"anyOf": [{"type": "string"}, {"type": "null"}]}) == "string or null"
    assert kind_of({"enum": ["a", None]}) == '<code>"a"</code>, <code>null</code>'
    assert kind_of({"type": "object", "additionalProperties": {"$ref": "#/x/Mind"}}) == (
        'map to <a href="#schema-Mind">Mind</a>'
    )
    assert kind_of({}) == "any value"


def test_limits_in_words() -> None:
    assert limits_of({"maxLength": 4000, "default": "x"}) == (
        'at most 4,000 characters, default <code>"x"</code>'
    )
    assert limits_of({"minimum": 1, "maximum": 2**31 - 1}) == "from 1"
    assert limits_of({"pattern": "^<"}) == "<code>^&lt;</code>"
    assert properties({"type": "string"}) == ""


def test_texts_keep_code_and_emphasis() -> None:
    assert inline("`a<b` and **c**") == "<code>a&lt;b</code> and <strong>c</strong>"
    assert paragraphs("one\n\ntwo") == "<p>one</p><p>two</p>"

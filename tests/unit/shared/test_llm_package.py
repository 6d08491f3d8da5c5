"""What of the `openai` package is replaced, pinned: the request of a post.

`shared.llm.client` makes it itself, because the package spends most of a call's processor time on
headers and a query that our transport does not send. When an update of the package changes what is
replaced, these fail before anything else does.
"""

import inspect

import httpx2
import openai
import pytest
from openai._base_client import BaseClient
from openai._models import FinalRequestOptions

from shared.llm.client import _Package

BASE = "https://models.example/some/v1"
BODY = b'{"model":"m","messages":[]}'
AZURE = "/deployments/gpt-x/chat/completions?api-version=2026-01-01"


@pytest.fixture
async def package():
    made = _Package(BASE, httpx2.AsyncClient())
    yield made
    await made.close()


def post(path: str) -> FinalRequestOptions:
    return FinalRequestOptions.construct(method="post", url=path, content=BODY)


def test_it_replaces_what_the_package_has():
    ours = inspect.signature(_Package._build_request)
    theirs = inspect.signature(BaseClient._build_request)
    assert list(ours.parameters) == list(theirs.parameters)
    assert [each.kind for each in ours.parameters.values()] == [
        each.kind for each in theirs.parameters.values()
    ]


@pytest.mark.parametrize("path", ["/chat/completions", AZURE, "https://elsewhere.example/x"])
async def test_method_address_and_body_are_those_of_the_package(package: _Package, path: str):
    ours = package._build_request(post(path))
    theirs = openai.AsyncOpenAI._build_request(package, post(path))
    assert (ours.method, str(ours.url), ours.content) == (
        theirs.method,
        str(theirs.url),
        theirs.content,
    )
    assert ours.content == BODY
    assert package._build_request(post(path)).url == ours.url  # remembered


async def test_all_that_is_not_a_body_of_bytes_goes_the_packages_way(package: _Package):
    listed = package._build_request(FinalRequestOptions.construct(method="get", url="/models"))
    assert (listed.method, str(listed.url)) == ("GET", f"{BASE}/models")
    assert listed.headers["authorization"] == "Bearer unused"
    told = FinalRequestOptions.construct(method="post", url="/x", json_data={"a": 1})
    assert package._build_request(told).content == b'{"a":1}'


async def test_the_package_calls_it_and_gives_the_answer_back_unread():
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={"anything": "at all"})

    package = _Package(BASE, httpx2.AsyncClient(transport=httpx2.MockTransport(answer)))
    response = await package.post("/chat/completions", cast_to=httpx2.Response, content=BODY)
    assert response.json() == {"anything": "at all"}
    assert [(each.method, each.content) for each in asked] == [("POST", BODY)]
    assert "authorization" not in asked[0].headers
    await package.close()

"""What tests of rubrics send and read."""

from typing import Any

import httpx
import msgspec

from shared.library.rubrics import load_rubrics
from tests.integration.api.conftest import IDS, Partner

Json = dict[str, Any]

GENERAL = next(each for each in load_rubrics() if each.slug == "general")


def new_spec(**fields: Any) -> Json:
    """Return a publishable rubric with a slug of its own."""
    raw: Json = msgspec.json.decode(msgspec.json.encode(GENERAL))
    return raw | {"slug": f"test-{str(IDS.new())[-12:]}"} | fields


def faulty_spec() -> Json:
    """Return a rubric with two errors and a warning."""
    spec = new_spec(description="")
    first = spec["sections"][0]["criteria"][0]
    first["skill"], first["skills"] = "relate.juggling", {}
    first["indicators"][0]["key"] = "juggles"
    return spec


def with_skill(spec: Json, key: str) -> Json:
    """Return the rubric with its first criterion counting for another skill."""
    spec["sections"][0]["criteria"][0] |= {"skill": key, "skills": {}}
    return spec


async def put(author: Partner, path: str, body: Any, key: str | None = None) -> httpx.Response:
    headers = dict(author.headers) | ({"Idempotency-Key": key} if key else {})
    return await author.http.put(path, json=body, headers=headers)


async def create(author: Partner, spec: Json | None = None, **options: Any) -> Json:
    response = await author.post("/v1/rubrics", {"spec": spec or new_spec()}, **options)
    assert response.status_code == 201, response.text
    made: Json = response.json()
    return made


async def act(author: Partner, rubric_id: str, verb: str, **options: Any) -> httpx.Response:
    return await author.post(f"/v1/rubrics/{rubric_id}/{verb}", **options)


async def publish(author: Partner, rubric_id: str, **options: Any) -> httpx.Response:
    return await act(author, rubric_id, "publish", **options)


def pointers_of(response: httpx.Response) -> list[str]:
    """Return which fields a problem names."""
    return [each["pointer"] for each in response.json()["errors"]]


TURNS = [
    {"role": "customer", "text": "Hello, my parcel is ten days late and I am upset."},
    {"role": "agent", "text": "I am sorry that you had to wait so long. May I have the number?"},
]
SAMPLES: Json = {"conversations": [{"turns": TURNS, "source": "call"}]}


async def score(partner: Partner, rubric: str) -> httpx.Response:
    body = {
        "conversation": {"turns": TURNS, "source": "call"},
        "learner_id": await partner.learner(),
        "rubric": rubric,
    }
    return await partner.post("/v1/scorings", body)


async def scoring(partner: Partner, rubric: str) -> Json:
    """Hand a conversation in and return its scoring."""
    response = await score(partner, rubric)
    assert response.status_code == 202, response.text
    made: Json = response.json()
    return made

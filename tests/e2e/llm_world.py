"""Tenants with language models of their own that misbehave, and what must be true of them after."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec

from shared.contracts.llm import WhyEmbedded
from shared.ids import parse_id
from tests.e2e.partner import SCENARIO, Partner
from tests.support.llm import Answer, FakeLlm, Fault, Match, Rule
from tests.support.product import Product
from tests.support.sse_client import SseEvent, SseReader

LIMIT_S: Final = 3
"""`RAPPORT_LLM_TIMEOUT_S`: all that a model may take for one line."""

GRACE_S: Final = 12.0
"""What a busy machine may take for everything else of an answer."""

SECRETS: Final = {
    "key": "sk-canarykey",
    "header": "canaryheader",
    "path": "canarypath",
    "name": "Canaryname",
    "line": "canaryword",
}
"""What no log, queue, history or file in the clear may ever hold."""

SAID: Final = (
    "I am so sorry, nobody came on the day you paid for. My canaryword is that I stay with this.",
    "That must be infuriating. Could you give me your canaryword or your order number?",
)

W = WhyEmbedded


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One way to misbehave, and what it is called in marks."""

    name: str
    answer: Answer | None
    """None: nobody listens at the address."""
    wording: frozenset[WhyEmbedded]
    judging: frozenset[WhyEmbedded]
    """The endpoint may be resting besides, once it failed often enough."""
    is_quick: bool = False
    """Part of the normal run."""


def _case(
    name: str,
    wording: set[WhyEmbedded],
    judging: set[WhyEmbedded] | None = None,
    *,
    is_quick: bool = False,
    **answer: Any,
) -> Case:
    return Case(
        name=name,
        answer=Answer(**answer) if answer else None,
        wording=frozenset(wording),
        judging=frozenset(wording if judging is None else judging),
        is_quick=is_quick,
    )


CASES: Final = (
    _case("status400", {W.REJECTED}, status=400),
    _case("status401", {W.UNAUTHORIZED}, status=401),
    _case("status404", {W.REJECTED}, status=404),
    _case("status408", {W.TIMEOUT, W.SERVER_ERROR}, status=408),
    _case("status409", {W.REJECTED, W.SERVER_ERROR}, status=409),
    _case("status422", {W.REJECTED}, status=422),
    _case("status429", {W.RATE_LIMITED}, is_quick=True, status=429, retry_after=1),
    _case("status500", {W.SERVER_ERROR}, status=500),
    _case("status502", {W.SERVER_ERROR}, status=502),
    _case("status503", {W.SERVER_ERROR}, status=503),
    _case("cut", {W.UNREACHABLE, W.MALFORMED}, is_quick=True, fault=Fault.CUT),
    _case("malformed", {W.MALFORMED}, fault=Fault.MALFORMED),
    _case("schema", {W.FAILED_CHECKS}, {W.MALFORMED}, fault=Fault.WRONG_SCHEMA),
    _case("refusal", {W.REFUSED}, is_quick=True, refusal="I would rather not."),
    _case("filter", {W.REFUSED}, text="I", finish="content_filter"),
    _case("empty", {W.MALFORMED}, fault=Fault.EMPTY),
    _case("slowly", {W.TIMEOUT}, byte_ms=1000),
    _case("huge", {W.MALFORMED, W.FAILED_CHECKS}, {W.MALFORMED}, fault=Fault.HUGE),
    _case("bomb", {W.MALFORMED}, fault=Fault.BOMB),
    _case("reset", {W.UNREACHABLE}, fault=Fault.RESET_BEFORE),
    _case("resetlater", {W.UNREACHABLE, W.MALFORMED}, fault=Fault.RESET_AFTER),
    _case("halfopen", {W.TIMEOUT}, is_quick=True, fault=Fault.HALF_OPEN),
    _case("silent", {W.TIMEOUT}, fault=Fault.SILENT),
    _case("nothttp", {W.UNREACHABLE, W.MALFORMED}, fault=Fault.NOT_HTTP),
    _case("nobody", {W.UNREACHABLE}),
    _case("nonsense", {W.FAILED_CHECKS}, {W.MALFORMED}, text="As an AI language model, I cannot."),
)


def rules() -> tuple[Rule, ...]:
    """Return a rule per case: each has a model of its own."""
    return tuple(
        Rule(name=case.name, match=Match(model=model_of(case.name)), answer=case.answer)
        for case in CASES
        if case.answer is not None
    )


def model_of(name: str) -> str:
    """Return the name of the model that misbehaves so."""
    return f"model-{name}"


async def guest(product: Product, url: str, name: str, **changes: Any) -> Partner:
    """Return a tenant with an endpoint and a key of its own: its breaker is nobody else's."""
    made = await asyncio.to_thread(Partner.new, product, f"llm-{name}")
    await configure(made, url, name, **changes)
    return made


async def configure(partner: Partner, url: str, name: str, **changes: Any) -> None:
    """Set the tenant's model."""
    seen = (await partner.get("/v1/settings/llm"))["revision"]
    body = {
        "expected_revision": seen,
        "endpoint": {"base_url": url, "headers": {"X-Route": SECRETS["header"]}},
        "api_key": f"{SECRETS['key']}-{name}",
        "default_model": model_of(name),
        "prices": {model_of(name): {"input": "1", "output": "2"}},
        "judging": "model",
        **changes,
    }
    answer = await partner.http.put("/v1/settings/llm", json=body)
    assert answer.status_code == 200, answer.text


async def learner(partner: Partner) -> str:
    """Create a learner whose name is a canary; return the id."""
    body = {"external_id": str(uuid4()), "name": f"Bibi {SECRETS['name']}"}
    return str((await partner.insist("/v1/learners", body)).json()["id"])


async def talk(partner: Partner, learner_id: str) -> str:
    """Say one thing and wait, say another and read along, end; return the simulation's id."""
    simulation = (await partner.simulation(learner_id))["id"]
    start = time.monotonic()
    await partner.say(simulation, 1, SAID[0])
    waited = time.monotonic()
    events = await read_along(partner, simulation, 3, SAID[1])
    read = time.monotonic()

    assert waited - start < LIMIT_S + GRACE_S
    assert read - waited < LIMIT_S + GRACE_S
    assert_told(events)
    await partner.end(simulation)
    return str(simulation)


async def read_along(
    partner: Partner, simulation: str, seq: int, text: str, key: str = ""
) -> list[SseEvent]:
    """Say something and read the reply as it is made; return what was told."""
    headers = {"Accept": "text/event-stream", "Idempotency-Key": key or str(uuid4())}
    body = {"text": text, "expected_seq": seq - 1}
    path = f"/v1/simulations/{simulation}/turns"
    reader, events = SseReader(), []
    async with partner.http.stream("POST", path, json=body, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        async for piece in answer.aiter_raw():
            events += reader.feed(piece)
    return events


def assert_told(events: list[SseEvent]) -> None:
    """What was read along is what is stored, and nothing after it."""
    names = [each.name for each in events]
    assert (names[0], names[-2:]) == ("turn.started", ["turn.completed", "done"]), names
    pieces: dict[int, list[str]] = {}
    for each in events:
        if each.name == "turn.delta":
            pieces.setdefault(each.data["attempt"], []).append(each.data["text"])
    (completed,) = (each.data for each in events if each.name == "turn.completed")
    if pieces:
        assert "".join(pieces[max(pieces)]).strip() == completed["reply"]["text"]


async def autopilot(partner: Partner, learner_id: str) -> str:
    """Have a scripted learner talk until the end; return the simulation's id."""
    body = {"mode": "autopilot", "profile": "skilled", "scenario": SCENARIO, "seed": 1}
    made = await partner.simulation(learner_id, **body)
    return str(made["id"])


# -- what must be true


async def assert_gapless(partner: Partner, simulation: str) -> None:
    """Turns run from 0 without gap or double, and each is somebody's answer."""
    rows = await partner.product.sql(
        "select seq, role from turns where tenant_id = $1 and simulation_id = $2 order by seq",
        partner.tenant_id,
        parse_id("sim", simulation),
    )
    assert [row["seq"] for row in rows] == list(range(len(rows)))
    assert {row["role"] for row in rows[::2]} == {"customer"}
    assert len(rows) % 2 == 1, "every learner has a reply"


async def marks_of(partner: Partner, simulation: str) -> list[dict[str, Any]]:
    """Return how each of the customer's replies got its words."""
    rows = await partner.product.sql(
        "select engine, wording from turns where tenant_id = $1 and simulation_id = $2"
        " and role = 'customer' and seq > 0 order by seq",
        partner.tenant_id,
        parse_id("sim", simulation),
    )
    found = []
    for row in rows:
        note: dict[str, Any] = msgspec.json.decode(row["wording"] or "{}")
        assert row["engine"] == note["engine"]
        found.append(note)
    return found


async def assessment_of(partner: Partner, simulation: str) -> dict[str, Any]:
    """Return the only assessment of a simulation."""
    rows = await partner.product.sql(
        "select assessment_id from assessments where tenant_id = $1 and scoring_id = $2",
        partner.tenant_id,
        parse_id("sim", simulation),
    )
    assert len(rows) == 1, "one assessment"
    scored = await partner.get(f"/v1/simulations/{simulation}")
    found: dict[str, Any] = await partner.get(f"/v1/assessments/{scored['assessment_id']}")
    return found


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant's calls came to."""

    calls: list[dict[str, Any]]
    month: dict[str, int]

    @property
    def spent(self) -> int:
        """By the calls; what expired counts at its most."""
        return sum(
            each["reserved_microusd"] if each["status"] == "expired" else each["cost_microusd"] or 0
            for each in self.calls
        )


NOTHING: Final = {"spent_microusd": 0, "reserved_microusd": 0, "in_flight": 0}


async def account_of(partner: Partner) -> Account:
    """Read the ledger as it is."""
    calls = await partner.product.sql(
        "select status, failure, cost_microusd, reserved_microusd, simulation_id, seq, scoring_id,"
        " number, expires_at from llm_calls where tenant_id = $1 order by started_at",
        partner.tenant_id,
    )
    months = await partner.product.sql(
        "select spent_microusd, reserved_microusd, in_flight from llm_months where tenant_id = $1",
        partner.tenant_id,
    )
    (month,) = [dict(row) for row in months] or [NOTHING]
    return Account(calls=[dict(row) for row in calls], month=month)


async def settled_account(partner: Partner) -> Account:
    """Return the ledger once no call is under way; its sums must be right."""
    deadline = time.monotonic() + GRACE_S
    account = await account_of(partner)
    while any(each["status"] == "reserved" for each in account.calls):
        assert time.monotonic() < deadline, account
        await asyncio.sleep(0.1)
        account = await account_of(partner)
    assert account.month == {
        "spent_microusd": account.spent,
        "reserved_microusd": 0,
        "in_flight": 0,
    }
    return account


def assert_bounded(account: Account, most_per_line: int = 2) -> None:
    """No line is worded, and no question judged, by more calls than the rules allow."""
    lines: dict[Any, int] = {}
    questions: dict[Any, int] = {}
    for each in account.calls:
        if each["seq"] is not None:
            key = (each["simulation_id"], each["seq"])
            lines[key] = lines.get(key, 0) + 1
        else:
            key = (each["scoring_id"], each["number"])
            questions[key] = questions.get(key, 0) + 1
    assert max(lines.values(), default=0) <= most_per_line, lines
    assert max(questions.values(), default=0) <= 2, questions


def asked_by(fake: FakeLlm, name: str) -> int:
    """Return how many requests of a guest arrived at the endpoint."""
    key = f"Bearer {SECRETS['key']}-{name}"
    return sum(each.headers.get("authorization") == key for each in list(fake.asked))


def leaks_in(data: bytes, of: Mapping[str, str] = SECRETS) -> set[str]:
    """Return which secrets some bytes hold."""
    return {kind for kind, text in of.items() if text.encode() in data}

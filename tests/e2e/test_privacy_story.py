"""A person's words on their way through the whole product: none in a workflow's history, and an erasure that
is killed half-way comes to its end. [R-C10] [R-C12]"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from shared.ids import parse_id
from tests.e2e.partner import LINES, SCENARIO, Partner, transcript
from tests.e2e.truth import settled
from tests.support.product import Product
from tests.support.waiting import eventually

CANARY = "quokka"
"""Begins every text of the tests."""

_SMALL = re.compile(r"[A-Za-z0-9_.:+@/-]{0,120}")
"""Ids, codes, names of types, times: no room for a sentence."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a file arms a point."""
    return tmp_path_factory.mktemp("points")


@pytest.fixture(scope="module")
def running(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(
        tmp_path_factory.mktemp("privacy") / "data", {"RAPPORT_FAILPOINTS": f"watch:{folder}"}
    )
    try:
        yield product.start()
    finally:
        product.clean_up()


@pytest.fixture(scope="module")
async def teller(running: Product) -> AsyncIterator[Partner]:
    """A partner whose every text begins with the canary."""
    made = Partner.new(running, "teller")
    yield made
    await made.close()


@pytest.fixture(scope="module")
async def learner(teller: Partner) -> str:
    """Somebody who practiced, was scored, and was written about, with the canary in every text."""
    team = (
        await teller.insist(
            "/v1/teams", {"name": f"{CANARY} team", "metadata": {"a": f"{CANARY} one"}}
        )
    ).json()["id"]
    body = {
        "external_id": f"{CANARY}-4711",
        "name": f"{CANARY} Noor",
        "metadata": {"cohort": f"{CANARY} two"},
        "memberships": [{"team_id": team, "from": "2025-01-06"}],
    }
    made = str((await teller.insist("/v1/learners", body)).json()["id"])
    simulation = (await teller.simulation(made, metadata={"b": f"{CANARY} three"}))["id"]
    await teller.say(simulation, 1, f"{CANARY}. {LINES[0]}")
    await teller.say(simulation, 3, f"{CANARY}. {LINES[1]}")
    await teller.end(simulation)
    call = transcript(3)
    for turn in call["turns"]:
        turn["text"] = f"{CANARY}. {turn['text']}"
    call["external_id"] = f"{CANARY}-call-1"
    await teller.score(made, conversation=call, metadata={"c": f"{CANARY} four"})
    batch = {
        "learner_id": made,
        "scenarios": [SCENARIO],
        "profiles": ["average"],
        "metadata": {"d": f"{CANARY} five"},
    }
    await teller.insist("/v1/simulation_batches", batch)
    await teller.insist(
        "/v1/scoring_batches",
        {"conversations": [{"learner_id": made, "conversation": transcript(2)}]},
    )
    await settled(teller)
    return made


async def _payloads(product: Product) -> dict[str, list[tuple[str, bytes]]]:
    """Everything that Temporal keeps of all workflows: metadata and data of each payload."""
    client = await Client.connect(product.up.temporal_address)
    found: dict[str, list[tuple[str, bytes]]] = {}
    async for each in client.list_workflows():
        history = await client.get_workflow_handle(each.id, run_id=each.run_id).fetch_history()
        kept = found.setdefault(f"{each.workflow_type} {each.id}", [])
        for event in history.events:
            kept += [(one.metadata["encoding"].decode(), one.data) for one in _within(event)]
            kept.append(("text", event.SerializeToString()))
    return found


def _within(message: Any) -> Iterator[Payload]:
    """Yield the payloads inside a message, however deep."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        many = (
            value.values() if hasattr(value, "values") else value if field.is_repeated else [value]
        )
        for one in many:
            if hasattr(one, "ListFields"):
                yield from _within(one)


def _sentences(value: Any) -> list[str]:
    """Return the texts of a JSON value that are more than an id, a code, a time."""
    if isinstance(value, str):
        return [] if _SMALL.fullmatch(value) else [value]
    if isinstance(value, dict):
        return [bad for pair in value.items() for each in pair for bad in _sentences(each)]
    if isinstance(value, list):
        return [bad for each in value for bad in _sentences(each)]
    return []


def _told(payloads: dict[str, list[tuple[str, bytes]]]) -> list[str]:
    """Return what is in histories and should not be there."""
    wrong = []
    for workflow, kept in payloads.items():
        for encoding, data in kept:
            if CANARY.encode() in data:
                wrong.append(f"{workflow}: a canary in {encoding}")
            if encoding.startswith("json/") and _sentences(json.loads(data)):
                wrong.append(f"{workflow}: {_sentences(json.loads(data))}")
    return wrong


async def test_histories_hold_ids_and_small_facts_only(running: Product, learner: str) -> None:
    payloads = await _payloads(running)
    kinds = {name.split()[0] for name in payloads}
    assert {"SimulationWorkflow", "ScoringWorkflow", "SimulationBatchWorkflow"} <= kinds
    assert (
        sum(encoding.startswith("json/") for kept in payloads.values() for encoding, _ in kept) > 10
    )
    assert _told(payloads) == []


def test_a_sentence_or_a_canary_would_be_seen() -> None:
    sentence = {"W 1": [("json/plain", b'{"said": "I am so sorry"}')]}
    canary = {"W 2": [("binary/null", b"..quokka..")]}
    fine = {"W 3": [("json/plain", b'{"tenant_id": "01a2-b", "scoring_ids": ["x"], "n": 3}')]}
    assert [_told(each) != [] for each in (sentence, canary, fine)] == [True, True, False]


async def test_neither_nats_nor_temporal_nor_a_log_keeps_a_word(
    running: Product, learner: str
) -> None:
    """What an erasure cannot reach needs no erasure: messages carry ids."""
    looked = []
    for name in ("nats", "temporal", "log"):
        for path in running.data_dir.rglob("*"):
            if path.is_file() and name in str(path.relative_to(running.data_dir)).partition("/")[0]:
                looked.append(name)
                assert CANARY.encode() not in path.read_bytes().lower(), path
    assert set(looked) == {"nats", "temporal", "log"}


async def test_an_erasure_that_is_killed_comes_to_its_end(
    running: Product, teller: Partner, learner: str, folder: Path
) -> None:
    point = folder / "erase.between_stores"
    point.touch()
    killed = {"orchestrator": running.up.pids["orchestrator"]}
    erasure = (await teller.insist(f"/v1/learners/{learner}/erasure")).json()
    await running.back(killed)
    assert not point.exists()

    async def is_done() -> bool:
        answer = await teller.http.get(f"/v1/erasures/{erasure['id']}")
        return bool(answer.is_success and answer.json()["status"] == "succeeded")

    await eventually(is_done, timeout_s=60)
    done = await teller.get(f"/v1/erasures/{erasure['id']}")
    starts = await running.sql(
        "select starts from privacy_tasks where operation_id = $1", parse_id("op", erasure["id"])
    )
    assert starts[0]["starts"] == 2
    assert (await teller.http.get(f"/v1/learners/{learner}")).status_code == 404
    left = await running.sql(
        "select count(*) from turns t join simulations s using (tenant_id, simulation_id) where learner_id = $1",
        parse_id("lrn", learner),
    )
    assert left[0][0] == 0

    genuine = running.data_dir / "receipt.json"
    genuine.write_text(done["receipt"], encoding="utf-8")
    assert running.run("privacy", "check", str(genuine), done["signature"]).stdout == "genuine\n"
    genuine.write_text(done["receipt"].replace("deleted", "kept"), encoding="utf-8")
    assert running.run("privacy", "check", str(genuine), done["signature"]).returncode == 1


async def test_the_commands_do_likewise(running: Product, teller: Partner, learner: str) -> None:
    other = await teller.learner()
    ordered = running.run("privacy", "erase", other, "--tenant", teller.slug)
    assert ordered.returncode == 0, ordered.stderr
    operation = ordered.stdout.strip()
    again = running.run("privacy", "erase", other, "--tenant", teller.slug)
    assert again.stdout.strip() == operation
    assert running.run("privacy", "erase", "lrn_x", "--tenant", teller.slug).returncode == 1

    async def is_done() -> bool:
        return bool((await teller.get(f"/v1/erasures/{operation}"))["status"] == "succeeded")

    await eventually(is_done, timeout_s=60)
    ledger = running.run("privacy", "ledger").stdout
    lines = [json.loads(line) for line in ledger.splitlines()]
    assert {each["learner"] for each in lines} >= {other}
    file = running.data_dir / "ledger.ndjson"
    file.write_text(ledger, encoding="utf-8")
    assert running.run("privacy", "reapply", str(file)).stdout.startswith(f"0 of {len(lines)}")
    file.write_text("no ledger\n", encoding="utf-8")
    assert running.run("privacy", "reapply", str(file)).returncode == 1
    receipt = running.run("privacy", "receipt", operation, "--tenant", teller.slug)
    assert json.loads(receipt.stdout)["learner"] == other
    rotated = running.run("keys", "rotate", "--tenant", teller.slug)
    assert rotated.returncode == 0, rotated.stderr
    assert running.run("keys", "rotate-master").returncode == 1
    assert (await teller.learner()).startswith("lrn_")

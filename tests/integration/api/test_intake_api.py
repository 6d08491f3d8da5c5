"""What is refused, flagged and held on the way in, and how held conversations go on."""

from typing import Any

import msgspec
import pytest

from shared.contracts.scoring import JudgeResult, Metrics, TranscriptTurn
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from tests.integration.api.conftest import IDS, Partner

CALL = (
    ("agent", "Thank you for calling Northfield Water, my name is Priya, how can I help you?"),
    ("customer", "Hi, I'm calling about my bill, I was charged twice and I want my money back."),
    ("agent", "I'm sorry about that. May I have your account number, please?"),
    ("customer", "It's 4432 1198."),
)
OTHER = {"agent": "customer", "customer": "agent"}


def conversation(*said: tuple[str, str], **fields: Any) -> dict[str, Any]:
    turns = [{"role": role, "text": text} for role, text in said or CALL]
    return {"source": "call", "turns": turns, **fields}


def swapped(**fields: Any) -> dict[str, Any]:
    return conversation(*((OTHER[role], text) for role, text in CALL), **fields)


async def _hand_in(partner: Partner, body: dict[str, Any]) -> dict[str, Any]:
    sent = {"conversation": body, "learner_id": await partner.learner()}
    response = await partner.post("/v1/scorings", sent)
    assert response.status_code == 202, response.text
    view: dict[str, Any] = response.json()
    return view


async def _rows(database: Database, partner: Partner, statement: str, *values: Any) -> list[Any]:
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        return await connection.fetch(statement, partner.tenant.tenant_id, *values)


async def _starts(database: Database, partner: Partner, scoring: str) -> int:
    rows = await _rows(
        database,
        partner,
        "select from jobs where tenant_id = $1 and payload ->> 'type' = 'start_scoring'"
        " and payload ->> 'scoring_id' = $2",
        str(parse_id("scr", scoring)),
    )
    return len(rows)


async def _events(database: Database, partner: Partner, scoring: str) -> list[str]:
    rows = await _rows(
        database,
        partner,
        "select type from events where tenant_id = $1 and resource_id = $2 order by sequence",
        parse_id("scr", scoring),
    )
    return [row["type"] for row in rows]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (
            conversation(("agent", "one two three four"), ("customer", "five six seven")),
            [("/turns", "too-few-words")],
        ),
        (conversation(("agent", "?!"), ("customer", "...")), [("/turns", "no-words")]),
        (
            conversation(*CALL, ("agent", "\u200b\u2060")),
            [("/turns/4/text", "blank")],
        ),
        (conversation(language="english!"), [("/language", "format")]),
        (
            {
                "source": "chat",
                "turns": [
                    {"role": "agent", "text": "a " * 20, "id": "x", "start_ms": 500},
                    {"role": "customer", "text": "b", "id": "t3", "start_ms": 400, "end_ms": 900},
                    {"role": "agent", "text": "c", "start_ms": 450},
                    {"role": "agent", "text": "d", "id": "x", "start_ms": 500},
                ],
            },
            [
                ("/turns/1/start_ms", "out-of-order"),
                ("/turns/2/id", "duplicate"),
                ("/turns/2/start_ms", "out-of-order"),
                ("/turns/3/id", "duplicate"),
            ],
        ),
        (
            conversation(("agent", "x " * 4000), ("customer", "y " * 4000), *CALL * 100),
            [],
        ),
    ],
    ids=["short", "symbols", "invisible", "language", "ids-and-times", "long"],
)
async def test_what_is_refused(
    partner: Partner, body: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    sent = {"conversation": body, "learner_id": await partner.learner()}

    response = await partner.post("/v1/scorings", sent)

    found = [(error["pointer"], error["code"]) for error in response.json().get("errors", [])]
    assert sorted(found) == sorted((f"/conversation{pointer}", code) for pointer, code in errors)
    assert response.status_code == (400 if errors else 202)


async def test_own_ids_overlaps_and_hidden_text(
    partner: Partner, database: Database, keys: KeyRing
) -> None:
    body = conversation()
    body["turns"][0] |= {"id": "seg:1", "start_ms": 0, "end_ms": 4000}
    body["turns"][1] |= {"start_ms": 3500, "end_ms": 9000}
    body["turns"][2]["text"] = "I'm\u200b sorry about th\u00adat. May I have your account number?"

    view = await _hand_in(partner, body)

    flags = view["conversation"]["flags"]
    assert [(flag["code"], flag["count"]) for flag in flags] == [
        ("invisible_characters_removed", 2)
    ]
    conversation_id = parse_id("conv", view["conversation"]["id"])
    rows = await _rows(
        database,
        partner,
        "select turns, learner_id from conversations where tenant_id = $1 and conversation_id = $2",
        conversation_id,
    )
    tenant_id = partner.tenant.tenant_id
    async with tenant_tx(database, tenant_id) as connection:
        key = await keys.learner(connection, tenant_id, rows[0]["learner_id"])
    plain = key.open(rows[0]["turns"], "conversations.turns", conversation_id.bytes)
    turns = msgspec.json.decode(plain, type=tuple[TranscriptTurn, ...])
    assert [turn.id for turn in turns] == ["seg:1", "t2", "t3", "t4"]
    assert turns[2].text == "I'm sorry about that. May I have your account number?"


@pytest.mark.parametrize(
    ("text", "declared", "language"),
    [
        ("Thank you for calling, how can I help you with your bill today, madam?", "nl", "nl"),
        (
            "Guten Tag, ich habe das Paket nicht bekommen und möchte wissen, wo es jetzt ist.",
            "en",
            "de",
        ),
    ],
)
async def test_other_languages_are_taken_and_flagged(
    partner: Partner, text: str, declared: str, language: str
) -> None:
    body = conversation(("agent", text), ("customer", text), language=declared)

    view = await _hand_in(partner, body)

    assert view["status"] == "queued"
    assert view["conversation"]["language"] == language
    assert [flag["code"] for flag in view["conversation"]["flags"]] == ["unsupported_language"]


async def _settle(partner: Partner, scoring: str, confirm: str, key: str = "") -> Any:
    path = f"/v1/scorings/{scoring}/swap_roles"
    return await partner.post(path, {"confirm": confirm}, key=key)


async def test_swapped_roles_are_held_with_the_reason(partner: Partner, database: Database) -> None:
    view = await _hand_in(partner, swapped())

    assert view["status"] == "held"
    flag = view["conversation"]["flags"][0]
    assert flag["code"] == "roles_look_swapped"
    assert "`customer` speaks like an agent" in flag["detail"]
    assert await _starts(database, partner, view["id"]) == 0
    assert await _events(database, partner, view["id"]) == ["scoring.held"]
    listed = await partner.get("/v1/scorings", params={"status": "held"})
    assert view["id"] in [each["id"] for each in listed.json()["data"]]


@pytest.mark.parametrize(("confirm", "roles"), [("swap", "swapped"), ("keep", "kept")])
async def test_a_held_scoring_goes_on_once(
    partner: Partner, database: Database, confirm: str, roles: str
) -> None:
    held = await _hand_in(partner, swapped())

    answers = [await _settle(partner, held["id"], confirm, key) for key in ("a", "a", "b")]

    assert [answer.status_code for answer in answers] == [202] * 3
    assert {answer.json()["status"] for answer in answers} == {"queued"}
    assert {answer.json()["conversation"]["roles"] for answer in answers} == {roles}
    assert "idempotent-replayed" not in answers[0].headers
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert await _starts(database, partner, held["id"]) == 1
    assert await _events(database, partner, held["id"]) == [
        "scoring.held",
        "scoring.roles_settled",
    ]
    other = "keep" if confirm == "swap" else "swap"
    refused = await _settle(partner, held["id"], other)
    assert refused.status_code == 409
    assert "queued" in refused.json()["detail"]


async def _complete(partner: Partner, database: Database, keys: KeyRing, view: Any) -> None:
    """Store an assessment as the worker does."""
    tenant_id, assessment_id = partner.tenant.tenant_id, IDS.new()
    learner_id, scoring_id = parse_id("lrn", view["learner_id"]), parse_id("scr", view["id"])
    metrics = Metrics(
        handle_time_s=None, talk_share=None, question_rate=None, longest_monologue_words=1
    )
    result = JudgeResult(
        overall=50, criteria=(), skills=(), metrics=metrics, advice=(), engine="embedded", engine_version="1"
    )  # fmt: skip
    async with tenant_tx(database, tenant_id) as connection:
        key = await keys.learner(connection, tenant_id, learner_id)
        await connection.execute(
            "insert into assessments (tenant_id, assessment_id, scoring_id, learner_id, revision,"
            " overall, result, engine, engine_version, created_at)"
            " values ($1, $2, $3, $4, 1, 50, $5, 'embedded', '1', now())",
            tenant_id,
            assessment_id,
            scoring_id,
            learner_id,
            key.seal(msgspec.json.encode(result), "assessments.result", assessment_id.bytes),
        )
        await connection.execute(
            "update scorings set status = 'completed', assessment_id = $3, finished_at = now()"
            " where tenant_id = $1 and scoring_id = $2",
            tenant_id,
            scoring_id,
            assessment_id,
        )


async def test_wrong_labels_found_later_are_judged_again(
    partner: Partner, database: Database, keys: KeyRing
) -> None:
    view = await _hand_in(partner, conversation())
    await _complete(partner, database, keys, view)

    kept = await _settle(partner, view["id"], "keep", "same")
    swap = [await _settle(partner, view["id"], "swap", key) for key in ("one", "two")]

    assert kept.status_code == 202
    assert kept.json()["conversation"]["roles"] == "as_sent"
    assert [answer.json()["status"] for answer in swap] == ["completed"] * 2
    jobs = await _rows(
        database,
        partner,
        "select payload from jobs where tenant_id = $1 and payload ->> 'type' = 'rescore'"
        " and payload ->> 'scoring_id' = $2",
        str(parse_id("scr", view["id"])),
    )
    assert len(jobs) == 1
    timeline = (await partner.get(f"/v1/scorings/{view['id']}/timeline")).json()
    assert "roles_swapped" in str(timeline)


async def test_a_simulation_knows_who_is_who(partner: Partner, database: Database) -> None:
    simulation = await partner.simulation()
    simulation_id = parse_id("sim", simulation["id"])
    await _rows(
        database,
        partner,
        "insert into scorings (tenant_id, scoring_id, learner_id, simulation_id, rubric_id,"
        " rubric_version, source, status, occurred_at, created_at)"
        " select $1, $2, $3, $2, rubric_id, 1, 'simulation', 'running', now(), now()"
        " from rubrics where tenant_id = $1 and slug = 'general'",
        simulation_id,
        parse_id("lrn", simulation["learner_id"]),
    )
    scoring = simulation["id"].replace("sim_", "scr_")

    assert (await _settle(partner, scoring, "swap")).status_code == 409


async def test_strangers_settle_nothing(partner: Partner, stranger: Partner) -> None:
    view = await _hand_in(partner, swapped())

    assert (await _settle(stranger, view["id"], "swap")).status_code == 404
    assert (await partner.get(f"/v1/scorings/{view['id']}")).json()["status"] == "held"

"""One person of whom every table holds something, with a word in every column that is sealed."""

import base64
import json
import os
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.api.context import ProcessContext
from shared.db.sealed import SealKey, TenantKey
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.privacy.map import MINE, Table, personal
from shared.privacy.reading import _JSONS
from tests.integration.api.conftest import IDS, FakeWorker, Partner
from tests.integration.api.furnished import Furnisher
from tests.integration.privacy.conftest import Eyes

OLD = {"app.learner_keys"}


class Person:
    """A learner who is in every table, and what was said where."""

    def __init__(self, partner: Partner, eyes: Eyes, learner: str, tenant_id: UUID) -> None:
        self.partner, self.eyes = partner, eyes
        self.learner = learner
        self.learner_id = parse_id("lrn", learner)
        self.tenant_id = tenant_id
        self.words: dict[str, str] = {}
        """What was written, by `table.column`."""
        self.key: SealKey | None = None

    async def rows(self, table: Table) -> list[Mapping[str, Any]]:
        """What a table holds of the person."""
        assert table.mine is not None
        return [
            dict(row)
            for row in await self.eyes.rows(
                f"select *, ctid from {table.name} where tenant_id = $1 and {MINE[table.mine]}",
                self.tenant_id,
                self.learner_id,
            )
        ]

    async def erase(self) -> dict[str, Any]:
        answer = await self.partner.post(f"/v1/learners/{self.learner}/erasure")
        assert answer.status_code == 202, answer.text
        made: dict[str, Any] = answer.json()
        return made


async def furnish_person(
    partner: Partner, context: ProcessContext, eyes: Eyes, worker: FakeWorker
) -> Person:
    """Make a person with rows everywhere, and seal a word of its own into every sealed column."""
    kept = await Furnisher(partner, context).furnish()
    tenant_id = partner.tenant.tenant_id
    person = Person(partner, eyes, kept["learner"], tenant_id)
    await _insert_rest(person, kept)
    # What the furnishing ordered for others is none of the tests' business.
    await eyes.run(
        "update privacy_tasks set is_open = false, ended_at = now() where tenant_id = $1", tenant_id
    )
    async with tenant_tx(context.database, tenant_id) as connection:
        tenant = await context.keys.tenant(connection, tenant_id)
        own = await context.keys.learner(connection, tenant_id, person.learner_id)
    person.key = own
    for table in personal():
        rows = await person.rows(table)
        if table.name not in {"app.privacy_files", "app.privacy_tasks"}:
            assert rows, f"{table.name} holds nothing of the person"
        for row in rows:
            await _write_words(person, table, row, tenant, own)
    return person


async def _write_words(
    person: Person, table: Table, row: Mapping[str, Any], tenant: TenantKey, own: SealKey
) -> None:
    for sealed in table.sealed:
        if table.name == "app.privacy_files":
            continue
        word = f"canary-{table.name}-{sealed.name}-{IDS.new().hex}"
        person.words.setdefault(f"{table.name}.{sealed.name}", word)
        word = person.words[f"{table.name}.{sealed.name}"]
        plain = json.dumps({"said": word}) if sealed.name in _JSONS else word
        key = tenant if sealed.whose == "tenant" else own
        value = key.seal(plain.encode(), sealed.place, sealed.row_bytes(row))
        # No row moves for an update of another: each is found by what identifies it.
        await person.eyes.run(
            f"update {table.name} set {sealed.name} = $1 where tenant_id = $2 and"
            + " and ".join(
                f" {name} = ${number}" for number, (name, _) in enumerate(sealed.row, 3)
            ),
            value,
            person.tenant_id,
            *(row[name] for name, _ in sealed.row),
        )


async def _insert_rest(person: Person, kept: Mapping[str, str]) -> None:
    """What the API does not make by itself."""
    run, tenant_id, learner_id = person.eyes.run, person.tenant_id, person.learner_id
    scoring_id, endpoint_id = parse_id("scr", kept["scoring"]), parse_id("whe", kept["endpoint"])
    assessment_id = parse_id("asm", kept["assessment"])
    conversation_id = await person.eyes.value(
        "select conversation_id from scorings where tenant_id = $1 and scoring_id = $2",
        tenant_id,
        scoring_id,
    )
    team_id, user_id, delivery_id = parse_id("team", kept["team"]), IDS.new(), IDS.new()
    person_id = await person.eyes.value(
        "select person_id from learners where tenant_id = $1 and learner_id = $2",
        tenant_id,
        learner_id,
    )
    await run(
        "insert into users (tenant_id, user_id, user_name, user_name_hash, role, learner_id, created_at,"
        " updated_at) values ($1, $2, 'x', sha256('a'), 'viewer', $3, now(), now())",
        tenant_id, user_id, learner_id,
    )  # fmt: skip
    await run("insert into scim_users values ($1, $2, 'x', sha256('b'))", tenant_id, user_id)
    await run("insert into scim_emails values ($1, sha256('c'), $2)", tenant_id, user_id)
    await run(
        "insert into scim_members (tenant_id, team_id, user_id) values ($1, $2, $3)",
        tenant_id,
        team_id,
        user_id,
    )
    await run(
        "insert into api_keys (tenant_id, key_id, hash, environment, scopes, learner_id, created_at)"
        " values ($1, $2, sha256($3), 'live', '{}', $4, now())",
        tenant_id, IDS.new(), os.urandom(9), learner_id,
    )  # fmt: skip
    await run(
        "insert into contacts (tenant_id, conversation_id, learner_id, happened_at, talk_s) values"
        " ($1, $2, $3, now(), 31) on conflict do nothing",
        tenant_id, conversation_id, learner_id,
    )  # fmt: skip
    await run(
        "insert into review_entries (tenant_id, scoring_id, sequence, kind, assessment_id, actor, comment, at)"
        " values ($1, $2, 99, 'acknowledged', $3, 'x', 'x', now())",
        tenant_id, scoring_id, assessment_id,
    )  # fmt: skip
    await run(
        "insert into llm_calls (tenant_id, call_id, status, task, learner_id, number, model, host, is_installation,"
        " prompt_version, parameters, reserved_microusd, expires_at, started_at, month)"
        " values ($1, $2, 'reserved', 'wording', $3, 1, 'm', 'h', false, 'p', '{}', 0, now(), now(),"
        " '2026-11-01')",
        tenant_id, IDS.new(), learner_id,
    )  # fmt: skip
    await run(
        "insert into llm_verdicts values ($1, $2, sha256('d'), 'x', now())", tenant_id, learner_id
    )
    await run(
        "insert into webhook_deliveries (tenant_id, delivery_id, endpoint_id, event_id, event_type, trigger,"
        " learner_id, body, status, next_attempt_at, created_at)"
        " values ($1, $2, $3, $2, 'scoring.completed', 'resend', $4, 'x', 'pending', now() + '1 day', now())",
        tenant_id, delivery_id, endpoint_id, learner_id,
    )  # fmt: skip
    await run(
        "insert into webhook_attempts (tenant_id, delivery_id, number, started_at, latency_ms, result, response)"
        " values ($1, $2, 1, now(), 5, 'failed', 'x')",
        tenant_id, delivery_id,
    )  # fmt: skip
    await run(
        "insert into xapi_statements values ($1, $2, $3, 1) on conflict do nothing",
        tenant_id,
        IDS.new(),
        scoring_id,
    )
    await run(
        "insert into assessment_skills values ($1, $2, 'relate.empathy', 'scored', 71, 3) on conflict do nothing",
        tenant_id, assessment_id,
    )  # fmt: skip
    await run(
        "insert into report.attempts (tenant_id, scoring_id, assessment_id, revision, person_id, team_id, source, day,"
        " rubric_id, rubric_version, engine, overall) select $1, $2, $3, 1, $4, $5, 'chat', '2026-11-02', rubric_id,"
        " rubric_version, 'embedded/1', 71 from scorings where tenant_id = $1 and scoring_id = $2",
        tenant_id, scoring_id, assessment_id, person_id, team_id,
    )  # fmt: skip
    await run(
        "insert into report.facts (tenant_id, scoring_id, skill, revision, team_id, person_id, source, day, score)"
        " values ($1, $2, 'relate.empathy', 1, $3, $4, 'chat', '2026-11-02', 71)",
        tenant_id, scoring_id, team_id, person_id,
    )  # fmt: skip
    await run(
        "insert into report.rollups select $1, $2, 'relate.empathy', 'chat', '2026-11-02', 1, 71, 5041, $3, $4",
        tenant_id, team_id, bytes(404), person_id.bytes + bytes(8),
    )  # fmt: skip


def unsigned(text: str) -> bytes:
    """Return the signature's bytes."""
    return base64.b64decode(text.removeprefix("v1a,"))

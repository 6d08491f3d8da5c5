"""Practice and scoring in other languages: spoken through the model, or clearly refused."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from infra.llm_fake.script import Answer, Match, Rule, Script, answering
from services.api.context import ProcessContext
from services.scoring_worker.replay import replay
from services.scoring_worker.restoring import RENDERED
from shared.contracts.llm import WhyEmbedded
from shared.contracts.scoring import SkillStatus
from shared.ids import format_id, parse_id
from shared.rendering.records import Appraisal
from tests.integration.api.conftest import Partner
from tests.integration.api.language_world import CALL, World, evidence_of, open_world
from tests.support.tenants import TenantFactory

HELLO = "Guten Tag, ich bin Anna. Was ist genau passiert?"


@pytest.fixture(scope="module")
async def opened(context: ProcessContext, tenants: TenantFactory) -> AsyncIterator[World]:
    async with open_world(context, tenants) as world:
        yield world


@pytest.fixture
def world(opened: World) -> World:
    opened.fake.play(Script())
    opened.fake.clear()
    return opened


def only(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    return body


class TestStart:
    async def test_the_customer_opens_in_german(self, world: World) -> None:
        created = await world.german()
        assert created["language"] == "de"
        (opening,) = created["turns"]
        english = only(await world.start(language="en"), 201)["turns"][0]["text"]
        assert opening["text"] != english
        assert opening["appraisal"] is None
        (row,) = await world.fetch(
            "select language from simulations where tenant_id = $1 and simulation_id = $2",
            parse_id("sim", created["id"]),
        )
        assert row["language"] == "de"

    async def test_the_same_line_is_made_once(self, world: World) -> None:
        first = await world.german()
        calls = world.fake.count
        again = await world.german()
        assert world.fake.count == calls <= 1
        assert again["turns"][0]["text"] == first["turns"][0]["text"]
        rows = await world.fetch("select text from opening_lines where tenant_id = $1")
        assert all(first["turns"][0]["text"].encode() not in row["text"] for row in rows)

    async def test_a_repeat_asks_nobody_and_finds_the_first(self, world: World) -> None:
        body = {
            "scenario": await world.partner.scenario(),
            "learner_id": await world.partner.learner(),
            "mode": "interactive",
            "language": "fr",
        }
        first = await world.partner.post("/v1/simulations", body, key="fr-once")
        world.fake.play(answering(status=503))
        calls = world.fake.count
        again = await world.partner.post("/v1/simulations", body, key="fr-once")
        assert (only(again, 201)["id"], world.fake.count) == (only(first, 201)["id"], calls)

    async def test_a_tenant_has_a_language_of_its_own(
        self, world: World, tenants: TenantFactory
    ) -> None:
        other = world._replace(partner=Partner(world.partner.http, await tenants.new()))
        await other.fetch(
            "insert into llm_settings (tenant_id, revision, policy, updated_at)"
            " values ($1, 1, $2, now())",
            '{"language": "fr"}',
        )
        assert only(await other.start(language=None), 201)["language"] == "fr"
        played = {"mode": "autopilot", "profile": "silent"}
        assert only(await other.start(language=None, **played), 201)["language"] == "en"

    async def test_who_turned_the_model_off_is_refused(
        self, world: World, tenants: TenantFactory
    ) -> None:
        other = world._replace(partner=Partner(world.partner.http, await tenants.new()))
        await other.fetch(
            "insert into llm_settings (tenant_id, revision, policy, updated_at)"
            " values ($1, 1, $2, now())",
            '{"disabled": ["appraisal"]}',
        )
        assert "turned off" in only(await other.start(), 422)["detail"]
        result = await other.judged(*await other.hand_in())
        assert result.rendering is not None
        assert (result.overall, result.rendering.why) == (None, WhyEmbedded.DISABLED)

    async def test_without_a_word_it_is_english(self, world: World) -> None:
        created = only(await world.start(language=None), 201)
        assert (created["language"], world.fake.count) == ("en", 0)

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"mode": "autopilot", "profile": "skilled"}, "scripted learners speak English"),
            ({}, "test keys never spend money"),
        ],
    )
    async def test_what_cannot_be_is_refused_with_its_reason(
        self, world: World, fields: dict[str, Any], reason: str
    ) -> None:
        asking = world if fields else world._replace(partner=world.test_key)
        problem = only(await asking.start(**fields), 422)
        assert problem["code"] == "language-not-supported"
        assert problem["errors"][0]["pointer"] == "/language"
        assert reason in problem["errors"][0]["detail"]
        assert world.fake.count == 0

    async def test_without_a_model_it_is_refused(
        self, http: httpx.AsyncClient, world: World
    ) -> None:
        bare = world._replace(partner=Partner(http, world.partner.tenant))
        problem = only(await bare.start(), 422)
        assert (problem["code"], "no language model" in problem["detail"]) == (
            "language-not-supported", True,
        )  # fmt: skip
        assert only(await bare.start(language="en"), 201)["language"] == "en"

    @pytest.mark.parametrize(
        "script",
        [
            answering(status=503),
            answering(text="Guten Tag"),
            answering(
                text='{"line": "Hello there, I want my money back and I want it right now."}'
            ),
        ],
    )
    async def test_when_the_model_fails_nothing_is_stored(
        self, world: World, script: Script
    ) -> None:
        count = "select count(*) as n from simulations where tenant_id = $1"
        (before,) = await world.fetch(count)
        world.fake.play(script)
        response = await world.start(language="es")
        assert only(response, 503)["code"] == "temporary-reduced-capacity"
        assert "Retry-After" in response.headers
        (after,) = await world.fetch(count)
        assert (after["n"], 1 <= world.fake.count <= 4) == (before["n"], True)

    @pytest.mark.parametrize("language", ["DE", "german", "", "de_DE", "x" * 99])
    async def test_a_language_is_a_tag(self, world: World, language: str) -> None:
        problem = only(await world.start(language=language), 400)
        assert [error["pointer"] for error in problem["errors"]] == ["/language"]

    async def test_lists_are_filtered_by_language(self, world: World) -> None:
        mine = (await world.german())["id"]
        asked = {"language": "de", "limit": 100}
        page = only(await world.partner.get("/v1/simulations", params=asked), 200)
        assert mine in {each["id"] for each in page["data"]}
        assert {each["language"] for each in page["data"]} == {"de"}


class TestTurns:
    async def test_the_learner_is_read_in_english(self, world: World) -> None:
        simulation = await world.german()
        exchange = only(await world.partner.say(simulation["id"], 0, HELLO), 200)
        reply = exchange["reply"]
        assert reply["appraisal"] == "model"
        asked = [act for act in reply["acts"] if act["act"] == "open_question"]
        assert [HELLO[act["start"] : act["end"]] for act in asked] == ["Was ist genau passiert?"]
        kept = (await world.appraisals(simulation["id"]))[2]
        assert "what is exactly happened?" in kept.rendering.english.lower()
        assert [call.task for call in kept.calls] == ["appraisal"]
        listed = only(await world.partner.get(f"/v1/simulations/{simulation['id']}/turns"), 200)
        assert listed["data"][2] == reply

    async def test_a_line_that_cannot_be_read_waits_and_is_not_guessed(self, world: World) -> None:
        simulation = await world.german()
        failing = Rule(match=Match(task="rendering"), answer=Answer(status=503))
        world.fake.play(Script(rules=(failing,)))
        said = await world.partner.say(simulation["id"], 0, HELLO, key="wait-for-me")
        assert only(said, 202)["reply"] is None
        assert await world.appraisals(simulation["id"]) == {}
        assert world.fake.count <= 2
        world.fake.play(Script())
        await world.retry()
        again = await world.partner.say(simulation["id"], 0, HELLO, key="wait-for-me")
        assert only(again, 200)["reply"]["appraisal"] == "model"
        assert set(await world.appraisals(simulation["id"])) == {2}

    async def test_a_test_key_leaves_it_as_it_is(self, world: World) -> None:
        simulation = await world.german()
        path = f"/v1/simulations/{simulation['id']}"
        for refused in (
            await world.test_key.say(simulation["id"], 0, HELLO),
            await world.test_key.post(f"{path}/branches", {"from_seq": 0}),
        ):
            problem = only(refused, 409)
            assert (problem["code"], "test keys" in problem["detail"]) == ("conflict", True)
        (row,) = await world.fetch(
            "select environment, last_seq from simulations"
            " where tenant_id = $1 and simulation_id = $2",
            parse_id("sim", simulation["id"]),
        )
        assert (row["environment"], row["last_seq"]) == ("live", 0)
        assert only(await world.partner.say(simulation["id"], 0, HELLO), 200)["reply"] is not None

    async def test_a_branch_remembers_what_was_read(self, world: World) -> None:
        simulation = await world.german()
        await world.partner.say(simulation["id"], 0, HELLO)
        path = f"/v1/simulations/{simulation['id']}/branches"
        branch = only(await world.partner.post(path, {"from_seq": 2}), 201)
        assert branch["language"] == "de"
        original = await world.appraisals(simulation["id"])
        assert await world.appraisals(branch["id"]) == original
        assert isinstance(original[2], Appraisal)


class TestScoring:
    async def test_a_call_is_judged_by_its_english_and_quoted_in_german(self, world: World) -> None:
        result = await world.judged(*await world.hand_in())
        assert (result.appraisal, result.overall is not None) == ("model", True)
        assert result.rendering is not None
        assert (result.rendering.language, result.rendering.source) == ("de", "model")
        assert [call.task for call in result.rendering.calls] == ["appraisal"]
        assert "unsupported_language" not in result.flags
        assert RENDERED in result.flags
        assert RENDERED in result.needs_review
        assert (result.behaviors, result.metrics.reading_ease) == ((), None)
        texts = {f"t{place}": text for place, (_, text) in enumerate(CALL, start=1)}
        quotes = evidence_of(result)
        assert quotes
        assert all(texts[each.turn_id][each.start : each.end] == each.quote for each in quotes)

    async def test_it_is_left_out_of_trends(self, world: World) -> None:
        scoring_id, job_id = await world.hand_in()
        await world.judged(scoring_id, job_id)
        (row,) = await world.fetch(
            "select excluded, assessment_id from scorings where tenant_id = $1 and scoring_id = $2",
            scoring_id,
        )
        assert row["excluded"] == "other_language"
        shown = only(
            await world.partner.get(f"/v1/assessments/{format_id('asm', row['assessment_id'])}"),
            200,
        )
        assert (shown["appraisal"], shown["rendering"]["source"]) == ("model", "model")

    async def test_it_is_made_again_from_the_recorded_answers(self, world: World) -> None:
        scoring_id, job_id = await world.hand_in()
        await world.judged(scoring_id, job_id)
        asked, tenant_id = world.fake.count, world.partner.tenant.tenant_id
        again = await replay(world.database, world.keys, tenant_id, scoring_id)
        assert (again.is_same, again.why) == (True, "")
        assert world.fake.count == asked
        await world.fetch("update llm_calls set answer = null where tenant_id = $1")
        again = await replay(world.database, world.keys, tenant_id, scoring_id)
        assert not again.is_same
        assert "gone" in again.why

    async def test_the_same_turns_are_rendered_once(self, world: World) -> None:
        learner = await world.partner.learner()
        first = await world.judged(*await world.hand_in(learner_id=learner))
        calls = world.fake.count
        again = await world.judged(*await world.hand_in(learner_id=learner))
        assert world.fake.count == calls == 1
        assert again.rendering is not None
        assert first.rendering is not None
        assert len(first.rendering.calls) == 1
        assert again.rendering.calls == first.rendering.calls
        assert (again.overall, again.criteria) == (first.overall, first.criteria)

    async def test_a_second_judgment_costs_nothing_and_stays_out_of_trends(
        self, world: World
    ) -> None:
        scoring_id, job_id = await world.hand_in()
        world.fake.play(answering(status=503))
        assert (await world.judged(scoring_id, job_id)).overall is None
        await world.fetch(
            "update scorings set excluded = null where tenant_id = $1 and scoring_id = $2",
            scoring_id,
        )
        world.fake.play(Script())
        again = await world.judged(scoring_id, await world.rescore(scoring_id))
        assert (again.appraisal, again.overall is not None) == ("model", True)
        calls = world.fake.count
        third = await world.judged(scoring_id, await world.rescore(scoring_id))
        assert (third.overall, world.fake.count) == (again.overall, calls)
        (row,) = await world.fetch(
            "select excluded from scorings where tenant_id = $1 and scoring_id = $2", scoring_id
        )
        assert row["excluded"] == "other_language"

    @pytest.mark.parametrize(
        ("script", "why"),
        [
            (answering(status=503), WhyEmbedded.SERVER_ERROR),
            (answering(status=401), WhyEmbedded.UNAUTHORIZED),
            (answering(text='{"sentences": []}'), WhyEmbedded.FAILED_CHECKS),
            (answering(text="no"), WhyEmbedded.MALFORMED),
        ],
    )
    async def test_without_a_rendering_there_is_no_number(
        self, world: World, script: Script, why: WhyEmbedded
    ) -> None:
        world.fake.play(script)
        result = await world.judged(*await world.hand_in())
        assert (result.appraisal, result.overall) == (None, None)
        assert result.rendering is not None
        assert (result.rendering.source, result.rendering.why) == ("none", why)
        assert "unsupported_language" in result.flags
        assert SkillStatus.SCORED not in {skill.status for skill in result.skills}
        assert 1 <= world.fake.count <= 4

    async def test_a_simulation_is_judged_by_how_it_was_read(self, world: World) -> None:
        simulation = await world.german()
        for seq, said in enumerate((HELLO, CALL[1][1], CALL[3][1], CALL[5][1])):
            only(await world.partner.say(simulation["id"], 2 * seq, said), 200)
        only(await world.partner.post(f"/v1/simulations/{simulation['id']}/end"), 200)
        scoring_id, job_id = await world.order(simulation["id"])
        calls = world.fake.count
        result = await world.judged(scoring_id, job_id)
        assert world.fake.count == calls
        assert result.rendering is not None
        assert (result.appraisal, result.rendering.source) == ("model", "simulation")
        listed = only(await world.partner.get(f"/v1/simulations/{simulation['id']}/turns"), 200)
        texts = {f"t{turn['seq']}": turn["text"] for turn in listed["data"]}
        quotes = evidence_of(result)
        assert quotes
        assert all(texts[each.turn_id][each.start : each.end] == each.quote for each in quotes)
        (row,) = await world.fetch(
            "select s.faults, g.excluded from simulations s join scorings g"
            " using (tenant_id, simulation_id) where s.tenant_id = $1 and g.scoring_id = $2",
            scoring_id,
        )
        assert (row["faults"], row["excluded"]) == ("[]", "other_language")
        tenant_id = world.partner.tenant.tenant_id
        again = await replay(world.database, world.keys, tenant_id, scoring_id)
        assert (again.is_same, again.why) == (True, "")

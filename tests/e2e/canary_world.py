"""One story that says words nobody else has wherever somebody can say one."""

from typing import Any, Final
from uuid import uuid4

from infra.llm_fake.script import ErrorBody
from tests.e2e import llm_world as world
from tests.e2e.partner import Partner
from tests.e2e.truth import settled
from tests.support.llm import Answer, FakeLlm, Match, Rule, Script
from tests.support.product import Product
from tests.support.receivers import Receiver, answer
from tests.support.waiting import eventually

WORDS: Final = {
    name: f"zqvw{name}kestrel"
    for name in (
        "name", "external", "metadata", "team", "said", "mail", "handed", "refused", "comment",
        "actor", "hook", "about", "survey", "lrs", "origin", "keyname", "username", "usermail",
        "display", "program", "field", "query", "path", "bearer", "broken", "bytes", "answer",
        "idempotency", "reason", "scimname", "scimmail", "scimid", "scimgroup", "scimtitle", "scimwrong",
        "rejected", "failing", "refusing", "malformed",
    )
}  # fmt: skip
"""By what they are. Words of authors (scenarios, rubrics, skills) are for everybody to read."""

BROKEN: Final = {
    "rejected": Answer(status=400, error=ErrorBody(message=f"What is {WORDS['rejected']}?")),
    "failing": Answer(status=500, body=f"<p>Traceback: {WORDS['failing']}</p>"),
    "refusing": Answer(refusal=f"I would rather not say {WORDS['refusing']}."),
    "malformed": Answer(body=f'{{"choices": ["{WORDS["malformed"]}'),
}
"""Models that say words where nobody expects any."""

SCIM: Final = "urn:ietf:params:scim:schemas:core:2.0"


def broken_script() -> Script:
    """Return a script in which each of them has a name of its own."""
    return Script(
        rules=tuple(
            Rule(name=name, match=Match(model=world.model_of(name)), answer=said)
            for name, said in BROKEN.items()
        )
    )


async def suffer(product: Product, fake: FakeLlm) -> None:
    """Have tenants talk and be judged with models that fail in words."""
    said = f"I am sorry, my {WORDS['said']}."
    for name in BROKEN:
        guest = await world.guest(product, fake.url, name)
        try:
            simulation = (await guest.simulation(await world.learner(guest)))["id"]
            await guest.say(simulation, 1, said)
            await world.read_along(guest, simulation, 3, said)
            await guest.end(simulation)
            await settled(guest)
        finally:
            await guest.close()
        assert world.asked_by(fake, name), name


class Story:
    """One tenant that says its words wherever it can."""

    def __init__(self, partner: Partner, receiver: Receiver) -> None:
        self.partner = partner
        self.receiver = receiver

    async def tell(self) -> None:
        """Use the whole product."""
        await self.settings()
        learner = await self.people()
        await self.directory()
        await self.practice(learner)
        await self.scores(learner)
        await self.nonsense(learner)
        await settled(self.partner)
        await self.outside()

    async def settings(self) -> None:
        partner, hook = self.partner, f"/{WORDS['hook']}"
        self.receiver.manners[f"{hook}/bad"] = answer(500, body=WORDS["answer"].encode())
        for path in ("good", "bad"):
            body = {
                "url": self.receiver.url(f"{hook}/{path}"),
                "description": f"To {WORDS['about']}",
                "metadata": {"where": WORDS["metadata"]},
                "payload": "fat",
            }
            await partner.insist("/v1/webhook_endpoints", body)
        await self.put("/v1/allowed_origins", {"origins": [f"https://{WORDS['origin']}.example"]})
        lrs = {
            "url": self.receiver.url("/lrs"),
            "auth": {"kind": "basic", "username": WORDS["lrs"], "secret": WORDS["lrs"]},
            "actor": "external_id",
        }
        await self.put("/v1/lrs", lrs)
        await partner.insist(
            "/v1/api_keys", {"name": f"For {WORDS['keyname']}", "scopes": ["teams:read"]}
        )
        user = {
            "user_name": WORDS["username"],
            "email": f"{WORDS['usermail']}@example.com",
            "display_name": f"Bibi {WORDS['display']}",
            "role": "viewer",
        }
        await partner.insist("/v1/users", user)

    async def put(self, path: str, body: Any) -> None:
        response = await self.partner.http.put(path, json=body)
        assert response.is_success, (path, response.text)

    async def people(self) -> str:
        partner = self.partner
        team = await partner.team(f"Team {WORDS['team']}")
        body = {
            "external_id": f"{WORDS['external']}-1",
            "name": f"Bibi {WORDS['name']}",
            "metadata": {"desk": WORDS["metadata"]},
            "memberships": [{"team_id": team, "from": "2025-01-01"}],
        }
        learner = str((await partner.insist("/v1/learners", body)).json()["id"])
        program = {
            "name": f"Program {WORDS['program']}",
            "treated": {"team_ids": [team]},
            "baseline_from": "2025-10-01",
            "starts_on": "2026-01-05",
            "ends_on": "2026-01-30",
            "measured_to": "2026-04-30",
            "currency": "EUR",
            "costs": [{"kind": "design", "amount": 4000}],
        }
        await partner.insist("/v1/programs", program)
        return learner

    async def practice(self, learner: str) -> None:
        partner = self.partner
        simulation = (await partner.simulation(learner, metadata={"x": WORDS["metadata"]}))["id"]
        said = f"I am sorry, my {WORDS['said']}. Write to {WORDS['mail']}@example.com."
        await partner.say(simulation, 1, said)
        await world.read_along(partner, simulation, 3, said, f"{WORDS['idempotency']}-1")
        await partner.end(simulation)
        await world.autopilot(partner, learner)

    async def directory(self) -> None:
        """People and groups as an identity provider sends them, and one that it sends wrong."""
        user = {
            "schemas": [f"{SCIM}:User"],
            "userName": WORDS["scimname"],
            "externalId": WORDS["scimid"],
            "name": {"givenName": "Bibi", "familyName": WORDS["display"]},
            "title": WORDS["scimtitle"],
            "emails": [{"value": f"{WORDS['scimmail']}@example.com", "primary": True}],
        }
        made = await self.scim("/Users", user, 201)
        group = {
            "schemas": [f"{SCIM}:Group"],
            "displayName": WORDS["scimgroup"],
            "members": [{"value": made["id"]}],
        }
        await self.scim("/Groups", group, 201)
        await self.scim("/Users", user, 409)
        await self.scim("/Users", {**user, "emails": WORDS["scimwrong"]}, 400)
        found = await self.partner.http.get(
            "/scim/v2/Users", params={"filter": f'userName eq "{WORDS["scimname"]}"'}
        )
        assert found.json()["totalResults"] == 1, found.text

    async def scim(self, path: str, body: Any, status: int) -> Any:
        answer = await self.partner.http.post(f"/scim/v2{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def scores(self, learner: str) -> None:
        partner = self.partner
        turns = [
            {"role": "customer", "text": f"My {WORDS['handed']} is late, and I am angry."},
            {"role": "agent", "text": f"I understand, {WORDS['handed']}. I will fix it today."},
        ] * 3
        conversation = {"source": "chat", "turns": turns}
        scoring = await partner.score(learner, conversation=conversation)
        wrong = {"learner_id": learner, "conversation": {**conversation, WORDS["refused"]: 1}}
        good = {"learner_id": learner, "conversation": conversation}
        await partner.insist("/v1/scoring_batches", {"conversations": [good, wrong]})
        survey = {"form": "csat-5", "learner_id": learner, "score": 4}
        await partner.insist("/v1/surveys", {**survey, "external_id": WORDS["survey"]})
        found: list[dict[str, Any]] = []

        async def is_scored() -> bool:
            found.append(await partner.get(f"/v1/scorings/{scoring}"))
            return found[-1]["assessment_id"] is not None

        await eventually(is_scored, timeout_s=60)
        assessment = found[-1]["assessment_id"]
        await partner.get(f"/v1/assessments/{assessment}")
        await partner.insist(
            f"/v1/assessments/{assessment}/disputes",
            {
                "reason_code": "missed-evidence",
                "comment": f"But {WORDS['comment']}!",
                "actor": WORDS["actor"],
            },
        )
        for path in ("/v1/assessments/export", "/v1/xapi/statements", "/v1/audit_log/export"):
            exported = await partner.http.get(path, headers={"X-Experience-API-Version": "1.0.3"})
            assert exported.status_code == 200, exported.text
        await partner.insist("/v1/reports/exports", {"format": "csv"})

    async def nonsense(self, learner: str) -> None:
        """What is refused, and what breaks readers: nothing of it is answered with 5xx."""
        http, body = self.partner.http, {"name": "x"}
        simulation = (await self.partner.simulation(learner))["id"]
        turns = f"/v1/simulations/{simulation}/turns"
        json_headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        answers = [
            await http.post("/v1/teams", json={**body, WORDS["field"]: WORDS["field"]}),
            await http.post("/v1/teams", json={"name": [WORDS["broken"]]}),
            await http.get("/v1/teams", params={WORDS["query"]: WORDS["query"]}),
            await http.get("/v1/simulations", params={"cursor": WORDS["query"]}),
            await http.get(f"/v1/simulations/{WORDS['path']}/turns"),
            await http.get(f"/{WORDS['path']}/{WORDS['path']}?{WORDS['query']}"),
            await http.get("/v1/teams", headers={"Authorization": f"Bearer {WORDS['bearer']}"}),
            await http.get("/v1/teams", headers={"Request-Id": WORDS["bearer"]}),
            await http.post(turns, content=f'{{"text": "{WORDS["broken"]}', headers=json_headers),
            await http.post(
                turns, content=WORDS["bytes"].encode() + b"\xff\xfe", headers=json_headers
            ),
            await http.post(
                turns, json={"text": WORDS["said"], "expected_seq": 77}, headers=json_headers
            ),
            await http.post(
                "/v1/learners", json={"external_id": f"{WORDS['external']}-1", "name": "Other"}
            ),
        ]
        assert all(each.status_code < 500 for each in answers), [each.text for each in answers]

    async def outside(self) -> None:
        """Wait until both receivers and the learning record store were asked."""
        hook = f"/{WORDS['hook']}"

        def is_told() -> bool:
            paths = {request.path for request in self.receiver.received}
            return {f"{hook}/good", f"{hook}/bad", "/lrs/statements"} <= paths

        await eventually(is_told, timeout_s=60)

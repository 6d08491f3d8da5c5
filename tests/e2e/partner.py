"""A partner's app: speaks HTTP, keeps its Idempotency-Keys, tries again when nobody answers."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx

from shared.ids import parse_id
from tests.support.product import Product

PATIENCE_S = 60.0
"""Seconds a partner keeps trying; far above any recovery, because the machine may be busy."""

PAUSE_S = 0.25
"""Seconds between two tries."""

SCENARIO = "support-angry-late-delivery"

LINES = (
    "I am so sorry. You paid for a guaranteed day and nobody came. What happened, from the start?",
    "That must be infuriating after you wrote to us twice. Could you confirm your order number?",
    "So you waited all day and our page told you that it was delivered. What was it for?",
    "I will stay with this until it is solved. What would help you most now?",
    "The driver scanned your parcel at another address, so our page tells you something untrue.",
    "I can send a new telescope by courier tonight, between six and eight. Would that work?",
)
"""What a decent learner says; enough for a conversation that does not end by itself too soon."""

_NUMBERS = count(1)


class Partner:
    """One tenant with a key of all scopes, and what the API has told it so far."""

    def __init__(self, product: Product, slug: str, tenant_id: UUID, api_key: str) -> None:
        self.product = product
        self.slug = slug
        self.tenant_id = tenant_id
        self._api_key = api_key
        self.http = self._client()
        self.exchanges: dict[tuple[str, int], dict[str, Any]] = {}
        """Answered turns by simulation and the learner's seq."""
        self.scorings: dict[str, str] = {}
        """Accepted scorings: id by Idempotency-Key."""
        self._work: list[asyncio.Task[None]] = []

    @classmethod
    def new(cls, product: Product, name: str) -> "Partner":
        """Create a tenant and its key with the command, beside the running product."""
        slug = f"{name}-{next(_NUMBERS)}"
        tenant = product.run("tenants", "create", slug)
        key = product.run("keys", "create", slug)
        assert (tenant.returncode, key.returncode) == (0, 0), tenant.stderr + key.stderr
        return cls(product, slug, parse_id("ten", tenant.stdout.strip()), key.stdout.strip())

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.product.up.api_url,
            headers={"Authorization": f"Bearer {self._api_key}"},
            timeout=httpx.Timeout(40.0),
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=200),
        )

    def reconnect(self) -> None:
        """Go on with a product that was started anew."""
        self.http = self._client()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let something go on beside the test; it ends with the test at the latest."""
        self._work.append(asyncio.create_task(work))
        return self._work[-1]

    async def close(self) -> None:
        """End what still goes on, and the connections."""
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await self.http.aclose()

    async def get(self, path: str, **query: Any) -> Any:
        """Return the body of a successful answer."""
        response = await self.http.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(
        self, path: str, body: Mapping[str, Any] | None = None, *, key: str = ""
    ) -> httpx.Response:
        """Try once."""
        headers = {"Idempotency-Key": key or str(uuid4())}
        return await self.http.post(path, json=body, headers=headers)

    async def insist(
        self, path: str, body: Mapping[str, Any] | None = None, *, key: str = ""
    ) -> httpx.Response:
        """Try with one key until there is a final answer; it must be a success."""
        key = key or str(uuid4())
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while True:
            said: object
            try:
                response = await self.post(path, body, key=key)
            except httpx.TransportError as error:
                said = error
            else:
                said = f"{response.status_code} {response.text}"
                is_pending = response.status_code == 202 and path.endswith("/turns")
                if response.is_success and not is_pending:
                    return response
                assert is_pending or response.status_code in {429, 503}, f"{path}: {said}"
            assert loop.time() < deadline, f"{path} after {PATIENCE_S} s: {said!r}"
            await asyncio.sleep(PAUSE_S)

    # -- what a partner does

    async def team(self, name: str) -> str:
        """Create a team; return its id."""
        return str((await self.insist("/v1/teams", {"name": name})).json()["id"])

    async def learner(self, team_id: str | None = None) -> str:
        """Create a learner, in a team since a year ago if one is given; return the id."""
        memberships = [] if team_id is None else [{"team_id": team_id, "from": "2025-01-01"}]
        body = {"external_id": f"emp-{next(_NUMBERS)}", "memberships": memberships}
        return str((await self.insist("/v1/learners", body)).json()["id"])

    async def simulation(self, learner_id: str, **fields: Any) -> dict[str, Any]:
        """Start a simulation; return it with its opening line."""
        body = {"scenario": SCENARIO, "learner_id": learner_id, "mode": "interactive"} | fields
        created: dict[str, Any] = (await self.insist("/v1/simulations", body)).json()
        return created

    async def simulations(self, learner_id: str, amount: int, **fields: Any) -> list[str]:
        """Start several at once; return their ids."""
        started = await asyncio.gather(
            *(self.simulation(learner_id, seed=seed, **fields) for seed in range(amount))
        )
        return [each["id"] for each in started]

    async def say(
        self, simulation_id: str, seq: int, text: str, *, key: str = ""
    ) -> dict[str, Any]:
        """Say something as turn `seq` until the customer's reply is there; return both."""
        path = f"/v1/simulations/{simulation_id}/turns"
        response = await self.insist(path, {"text": text, "expected_seq": seq - 1}, key=key)
        answer: dict[str, Any] = response.json()
        assert answer["reply"] is not None, answer
        assert (answer["learner_turn"]["seq"], answer["reply"]["seq"]) == (seq, seq + 1)
        assert answer["learner_turn"]["text"] == text
        self.exchanges[simulation_id, seq] = answer
        return answer

    async def talk(self, simulation_id: str, turns: int) -> None:
        """Have a conversation of several turns, or until it ends by itself."""
        for number in range(turns):
            answer = await self.say(simulation_id, 2 * number + 1, LINES[number % len(LINES)])
            if answer["simulation"]["status"] != "open":
                return

    async def end(self, simulation_id: str) -> None:
        """End a simulation for its learner."""
        await self.insist(f"/v1/simulations/{simulation_id}/end")

    async def score(self, learner_id: str, exchanges: int = 4, **fields: Any) -> str:
        """Hand in a conversation; return the scoring's id."""
        body = {"learner_id": learner_id, "conversation": transcript(exchanges)} | fields
        key = str(uuid4())
        accepted = (await self.insist("/v1/scorings", body, key=key)).json()
        self.scorings[key] = accepted["id"]
        return str(accepted["id"])

    async def score_many(self, learner_id: str, amount: int, exchanges: int = 4) -> list[str]:
        """Hand in several at once; return their ids."""
        return await asyncio.gather(*(self.score(learner_id, exchanges) for _ in range(amount)))


def transcript(exchanges: int, *, source: str = "call") -> dict[str, Any]:
    """Return a call in which the agent says decent things, with timings."""
    turns: list[dict[str, Any]] = []
    for number in range(exchanges):
        said: Sequence[tuple[str, str]] = (
            ("customer", f"This is the {number + 1}. time I call, and still nobody helps me!"),
            ("agent", LINES[number % len(LINES)]),
        )
        for role, text in said:
            start = 4000 * len(turns)
            turns.append({"role": role, "text": text, "start_ms": start, "end_ms": start + 3500})
    return {"turns": turns, "source": source}

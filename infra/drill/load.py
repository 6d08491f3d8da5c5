"""Work of every kind, handed in over the public API, and a look at what became of it."""

import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import httpx

from infra.drill.product import PATIENCE_S, DrillError

SCENARIO: Final = "support-angry-late-delivery"
LINE: Final = "I am so sorry that nobody came. What happened, from the start?"
CALL: Final = (
    ("customer", "My order never came and nobody answers."),
    ("agent", "I am sorry about that. May I have your order number, please?"),
    ("customer", "It is 4432. I have called twice already."),
    ("agent", "Thank you. I will send a new one today, and write to you by five o'clock."),
)
SIMULATIONS: Final = 6
SCORINGS: Final = 20
BATCH: Final = 12

Accepted = Mapping[str, str]
"""Path of everything that was accepted, and what it should be in the end."""


class Load:
    """A partner who hands work in and comes back for it."""

    def __init__(self, api_url: str, api_key: str) -> None:
        self._http = httpx.Client(
            base_url=api_url, headers={"Authorization": f"Bearer {api_key}"}, timeout=40.0
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def begin(self) -> list[str]:
        """Open conversations and have a turn in each; return their ids."""
        self._learner = self._post("/v1/learners", {"external_id": "drill", "name": "D."})["id"]
        simulations = [self._simulation() for _ in range(SIMULATIONS)]
        for each in simulations:
            self.say(each, 0)
            self.wait_for_reply(each, 2)
        return simulations

    def hand_in(self, ending: str) -> Accepted:
        """Hand in work that nobody is there to do, and end a conversation; return it."""
        accepted = self.scorings()
        many = [{"learner_id": self._learner, "conversation": _conversation()}] * 5
        batch = self._post("/v1/scoring_batches", {"conversations": many})
        accepted[f"/v1/operations/{batch['id']}"] = "succeeded"
        order = {
            "learner_id": self._learner,
            "scenarios": [SCENARIO],
            "profiles": ["skilled", "average", "rude"],
            "repeat": BATCH // 3,
        }
        played = self._post("/v1/simulation_batches", order)
        accepted[f"/v1/operations/{played['id']}"] = "succeeded"
        self._post(f"/v1/simulations/{ending}/end", None)
        accepted[f"/v1/simulations/{ending}"] = "scored"
        return accepted

    def scorings(self) -> dict[str, str]:
        """Hand in single calls; return them."""
        body = {"learner_id": self._learner, "conversation": _conversation()}
        ids = [self._post("/v1/scorings", body)["id"] for _ in range(SCORINGS)]
        return {f"/v1/scorings/{each}": "completed" for each in ids}

    def say(self, simulation_id: str, last_seq: int) -> None:
        """Say the next line of a conversation, whether or not anybody replies in time."""
        body = {"expected_seq": last_seq, "text": LINE}
        self._post(f"/v1/simulations/{simulation_id}/turns", body)

    def wait_for_reply(self, simulation_id: str, seq: int) -> None:
        """Wait for the customer's line of this number; raises `DrillError` without one."""
        deadline = time.monotonic() + PATIENCE_S
        path = f"/v1/simulations/{simulation_id}/turns?after_seq={seq - 1}"
        while not self._get(path)["data"]:
            if time.monotonic() > deadline:
                raise DrillError(f"{path}: no reply")
            time.sleep(0.1)

    def end(self, simulations: list[str]) -> dict[str, str]:
        """End conversations and wait for their scores; return those that got none."""
        for each in simulations:
            self._post(f"/v1/simulations/{each}/end", None)
        return self.wait({f"/v1/simulations/{each}": "scored" for each in simulations})

    def unfinished(self, accepted: Accepted) -> dict[str, str]:
        """Return what is not as it should be, with its status."""
        found = {path: str(self._get(path)["status"]) for path in accepted}
        return {path: said for path, said in found.items() if said != accepted[path]}

    def wait(self, accepted: Accepted) -> dict[str, str]:
        """Wait until all is as it should be, or no more; return what is not."""
        deadline = time.monotonic() + PATIENCE_S
        while (left := self.unfinished(accepted)) and time.monotonic() < deadline:
            time.sleep(0.25)
        return left

    def _simulation(self) -> str:
        body = {"scenario": SCENARIO, "learner_id": self._learner, "mode": "interactive"}
        return str(self._post("/v1/simulations", body)["id"])

    def _get(self, path: str) -> dict[str, Any]:
        return self._body(self._http.get(path))

    def _post(self, path: str, body: Any) -> dict[str, Any]:
        headers = {"Idempotency-Key": str(uuid4())}
        return self._body(self._http.post(path, json=body, headers=headers))

    def _body(self, response: httpx.Response) -> dict[str, Any]:
        if not response.is_success:
            raise DrillError(f"{response.request.url.path}: {response.status_code} {response.text}")
        body: dict[str, Any] = response.json()
        return body


def _conversation() -> dict[str, Any]:
    turns = [{"role": role, "text": text} for role, text in CALL]
    return {"source": "call", "turns": turns}

"""One call from elsewhere: handed in as a contact-center suite would, and scored with evidence."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from infra.demo.client import Api
from infra.demo.history import scored
from infra.demo.people import Learner
from infra.demo.views import Assessment, Scoring

SCORED_WITHIN_S: Final = 20.0


class CallTurn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn of `call.yaml`, in the form the API takes."""

    role: str
    start_ms: int
    end_ms: int
    text: str


def load_call() -> tuple[CallTurn, ...]:
    """Return the transcript.

    Raises:
        msgspec.ValidationError: the file does not describe a call.
    """
    text = Path(__file__).with_name("call.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), tuple[CallTurn, ...])


async def score_call(
    api: Api, learner: Learner, call: tuple[CallTurn, ...], at: datetime, run_id: str
) -> tuple[str, Assessment]:
    """Hand the call in and wait for its score; return scoring id and assessment.

    Raises:
        DemoError: the API refused, or it was not scored in time.
    """
    body: dict[str, Any] = {
        "conversation": {"turns": call, "external_id": f"{run_id}-call", "source": "call"},
        "learner_id": learner.id,
        "occurred_at": at,
        "rubric": "support",
    }
    scoring = await api.post("/v1/scorings", body, Scoring)
    return scoring.id, await scored(api, scoring.id, within_s=SCORED_WITHIN_S)

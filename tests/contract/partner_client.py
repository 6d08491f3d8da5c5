"""What a partner writes with the generated client; a test runs this file as a program."""

# ruff: noqa: T201 - a program tells by printing

import os
import time
import uuid

from rapport_client import AuthenticatedClient
from rapport_client.api.assessments import get_assessment
from rapport_client.api.learners import create_learner
from rapport_client.api.simulations import (
    create_simulation,
    create_turn,
    end_simulation,
    get_simulation,
)
from rapport_client.models import LearnerCreate, SimulationCreate, SimulationCreateMode, TurnCreate

client = AuthenticatedClient(
    base_url=os.environ["RAPPORT_URL"], token=os.environ["RAPPORT_API_KEY"]
)


def key() -> str:
    return str(uuid.uuid4())


learner = create_learner.sync(
    client=client, body=LearnerCreate(external_id=key()), idempotency_key=key()
)
wish = SimulationCreate(
    scenario="support-angry-late-delivery",
    learner_id=learner.id,
    mode=SimulationCreateMode.INTERACTIVE,
)
simulation = create_simulation.sync(client=client, body=wish, idempotency_key=key())
line = TurnCreate(text="I am so sorry. What happened, from the start?", expected_seq=0)
exchange = create_turn.sync(simulation.id, client=client, body=line, idempotency_key=key())
print("customer:", exchange.reply.text)
end_simulation.sync(simulation.id, client=client, idempotency_key=key())
deadline = time.monotonic() + 60
while (simulation := get_simulation.sync(simulation.id, client=client)).status.value != "scored":
    assert time.monotonic() < deadline, simulation
    time.sleep(0.1)
assessment = get_assessment.sync(simulation.assessment_id, client=client)
print("criteria:", len(assessment.criteria), assessment.created_at.isoformat())
refused = get_simulation.sync_detailed("sim_01k9x4j5z8f7vr2m0q3c6d1b9h", client=client)
print("refused:", refused.status_code.value, refused.parsed.code)

"""Where nobody can tell what the tenant wants, the embedded wording goes on and says so."""

from uuid import UUID

from typing_extensions import override

from shared.contracts.llm import ModelPolicy, WhyEmbedded
from shared.library import load_scenarios
from shared.llm.ports import ModelFailedError
from tests.support.worded import SayingModel, Talk

SCENARIO = next(x for x in load_scenarios() if x.slug == "support-angry-late-delivery")


class Unreadable(SayingModel):
    """Its settings cannot be read."""

    @override
    async def policy(self, tenant_id: UUID) -> ModelPolicy | None:
        raise ModelFailedError(WhyEmbedded.UNACCOUNTED)


async def test_the_reason_is_not_that_there_is_no_model() -> None:
    model = Unreadable(lambda _: "Well.")
    talk = Talk(SCENARIO, model, seed=3)
    await talk.say("Hello, I'm sorry. What exactly happened with your order?")
    note = talk.turns[-1].wording
    assert note is not None
    assert (note.engine, note.why) == ("embedded", WhyEmbedded.UNACCOUNTED)
    assert model.asked == []

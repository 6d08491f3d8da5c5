"""What a log line calls a model: never what a tenant calls it."""

from decimal import Decimal

import msgspec
import pytest
import structlog.testing

from shared.contracts.llm import ModelPolicy, OwnPrice
from shared.llm.prices import load_prices
from tests.support.llm import answering, endpoint
from tests.support.llm_gateway import MemoryLedger, asking, in_memory, tenant_model


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ("gpt-4o-jane.doe@example.com", "gpt-4o*"),  # fits a line of the table all the same
        ("jane.doe@example.com", "other"),
        ("priced-by-jane-doe", "other"),
        (None, "fake-1"),  # the installation's own
    ],
)
async def test_of_a_model_that_a_tenant_chose_it_has_the_price_table_s_name(
    chosen: str | None, shown: str
) -> None:
    own = {"priced-by-jane-doe": OwnPrice(input=Decimal(1), output=Decimal(1))}
    async with endpoint(answering(text="I see.")) as fake:
        tenant = msgspec.structs.replace(
            tenant_model(fake.url, policy=ModelPolicy(default_model=chosen)),
            prices=load_prices().owned_by(own),
        )
        model = in_memory(tenant, MemoryLedger())
        try:
            with structlog.testing.capture_logs() as lines:
                await model.chat(asking())
        finally:
            await model.close()
    assert [line["model"] for line in lines] == [shown]
    assert "jane" not in str(lines)

"""The running product, fuzzed over HTTP: workers work, so links lead to things that change. [R-A16]"""

import asyncio
from collections.abc import Callable, Sequence

import pytest
import schemathesis

from infra.contract.recording import follow
from infra.contract.tour import Sent
from tests.contract.conftest import Access
from tests.contract.validation import Json
from tests.integration.api.fuzzing import acquainted, assert_clean, configured, run
from tests.support.openapi_cases import Sample, operations_in
from tests.support.product import Product


def _samples(document: Json, sent: Sequence[Sent]) -> list[Sample]:
    """Return what the tour sent, a request per operation."""
    known = {each.name: each for each in operations_in(document)}
    return [
        Sample(
            operation=known[each.step.operation], path=each.path, query=each.query, body=each.body
        )
        for each in sent
    ]


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_the_running_product_stands_it(
    make_access: Callable[[], Access], document: Json, product: Product
) -> None:
    access = make_access()
    toured = await follow(access.url, access.key)
    known = acquainted(document, _samples(document, toured.sent))
    schema = schemathesis.openapi.from_dict(
        known, config=configured(access.key, url=access.url, examples=10, steps=10, covered=())
    )

    report = await asyncio.to_thread(run, schema)

    assert_clean(report, document, phases=("examples", "fuzzing", "stateful"))
    assert "request.failed" not in product.log("api")

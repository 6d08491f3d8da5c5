"""Wiring only: the document, and one whole product for what sends requests."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

import msgspec
import pytest

from infra.contract.built import build
from tests.contract.validation import Checker, Json
from tests.support.llm import environment, threaded
from tests.support.product import Product

_NUMBERS = count(1)


class Access(NamedTuple):
    """A running API and a key of a tenant without any data."""

    url: str
    key: str


@pytest.fixture(scope="session")
def document_text() -> bytes:
    """The document as the app serves it."""
    return build()


@pytest.fixture(scope="session")
def document(document_text: bytes) -> Json:
    """The same, read."""
    return msgspec.json.decode(document_text)


@pytest.fixture(scope="session")
def checker(document: Json) -> Checker:
    """Validates values by the document's schemas."""
    return Checker(document)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product; its webhooks may go to this machine, its model is a scripted one."""
    with threaded() as model:
        settings = {"RAPPORT_WEBHOOK_ALLOW_PRIVATE": "true", **environment(model.url)}
        running = Product(tmp_path_factory.mktemp("contract") / "data", settings)
        try:
            yield running.start()
        finally:
            running.clean_up()


@pytest.fixture(scope="session")
def make_access(product: Product) -> Callable[[], Access]:
    """Makes a tenant without any data, and a key of it."""

    def make() -> Access:
        slug = f"contract-{next(_NUMBERS)}"
        tenant = product.run("tenants", "create", slug)
        key = product.run("keys", "create", slug)
        assert (tenant.returncode, key.returncode) == (0, 0), tenant.stderr + key.stderr
        return Access(product.up.api_url, key.stdout.strip())

    return make


@pytest.fixture(scope="session")
def access(make_access: Callable[[], Access]) -> Access:
    """A tenant for tests that do not mind each other."""
    return make_access()

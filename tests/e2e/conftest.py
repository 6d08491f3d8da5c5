"""Wiring only: one whole product for the run, a tenant per test, and the list of recovery times."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.e2e.partner import Partner
from tests.support.product import Product

RECOVERIES = pytest.StashKey[list[str]]()

SETTINGS = {
    # A turn must be in flight for long enough to kill somebody meanwhile.
    "RAPPORT_WORDING_DELAY_MS": "500",
    # How long a crashed worker's job waits for the next one: the 8 s of the default say nothing
    # more than 3 s do.
    "RAPPORT_JOB_LEASE_S": "3",
}


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product, started once."""
    running = Product(tmp_path_factory.mktemp("product") / "data", SETTINGS)
    try:
        yield running.start()
    finally:
        running.clean_up()


@pytest.fixture
async def partner(product: Product, request: pytest.FixtureRequest) -> AsyncIterator[Partner]:
    """A tenant of its own for each test."""
    name = request.node.originalname.removeprefix("test_").replace("_", "-")[:40]
    made = Partner.new(product, name)
    yield made
    await made.close()


@pytest.fixture
def recovered(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Note how long a recovery took; shown at the end of the run."""
    return request.config.stash.setdefault(RECOVERIES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show the recovery times: no test judges them, a person may."""
    for line in config.stash.get(RECOVERIES, []):
        terminalreporter.write_line(f"recovery: {line}")

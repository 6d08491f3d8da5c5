"""The sealer in process, on a clock of the test's own."""

from datetime import UTC, datetime, timedelta

import pytest

from services.orchestrator.trail.sealer import Sealer
from shared.config import Settings
from shared.db.keys import read_hash_key
from shared.db.pool import Database
from shared.trail.chain import HeadSigner


class SetClock:
    """Shows the time that a test sets."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time

    def pass_by(self, time: timedelta) -> None:
        self.time += time


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def signer(database: Database, settings: Settings) -> HeadSigner:
    return HeadSigner(await read_hash_key(database, settings))


@pytest.fixture
def sealer(database: Database, clock: SetClock, signer: HeadSigner) -> Sealer:
    return Sealer(database, clock, signer)

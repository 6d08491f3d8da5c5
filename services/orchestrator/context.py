"""What the parts of the orchestrator share."""

import msgspec
from temporalio.client import Client

from shared.clock import Clock
from shared.config import Settings
from shared.db.pool import Database
from shared.ids import IdMaker
from shared.messaging.publisher import Publisher


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Singletons of the process."""

    settings: Settings
    database: Database
    publisher: Publisher
    temporal: Client
    clock: Clock
    ids: IdMaker

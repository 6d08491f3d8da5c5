"""What a process of the API owns, built once in `main` and passed down."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from nats.aio.client import Client

from services.api.shedding import Shedder
from shared.clock import Clock, SystemClock
from shared.config import Settings
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.ids import IdMaker, Uuid7Maker
from shared.llm.ports import LanguageModel
from shared.messaging.publisher import Publisher
from shared.tenancy.book import LimitsBook
from shared.tenancy.limits import Defaults


@dataclass(frozen=True, kw_only=True)
class ProcessContext:
    """Singletons of a process; tests build one with their own clock, ids and randomness."""

    settings: Settings
    database: Database
    keys: KeyRing
    nats: Client
    publisher: Publisher
    clock: Clock = field(default_factory=SystemClock)
    ids: IdMaker = field(default_factory=Uuid7Maker)
    model: LanguageModel | None = None
    """None: this process cannot ask one."""
    random: Callable[[int], bytes] = os.urandom
    hash_key: bytes | None = None
    """Keys the hashes of idempotency keys and allowed origins; None: the master key does."""
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process was told to stop: it is not ready, but serves who still comes."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set a moment later: open streams end, and their clients connect elsewhere."""
    admission: Database | None = None
    """Connections of its own for what decides whether a request may begin: it must not stand in
    line behind the work that was admitted. None: the others do."""
    shedder: Shedder = field(default_factory=Shedder)
    """Admits requests; it refuses none while nobody measures waiting (see `Probes`)."""
    limits: LimitsBook = field(init=False)
    """Limits of tenants; follows from the others."""

    def __post_init__(self) -> None:
        """Open the book of limits."""
        book = LimitsBook(self.admission or self.database, Defaults.of(self.settings))
        object.__setattr__(self, "limits", book)

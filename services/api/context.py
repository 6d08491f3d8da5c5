"""What a process of the API owns, built once in `main` and passed down."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from nats.aio.client import Client

from shared.clock import Clock, SystemClock
from shared.config import Settings
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.ids import IdMaker, Uuid7Maker
from shared.llm.ports import LanguageModel
from shared.messaging.publisher import Publisher


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
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process stops: open streams end, and their clients connect elsewhere."""

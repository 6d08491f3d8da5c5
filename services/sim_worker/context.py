"""What the two handlers of the worker share."""

import msgspec

from services.sim_worker.repository import SimulationReader
from services.sim_worker.wording import Wording
from shared.clock import Clock
from shared.config import Settings
from shared.db.pool import Database
from shared.ids import IdMaker
from shared.llm.ports import LanguageModel
from shared.messaging.publisher import Publisher


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Singletons of the process."""

    settings: Settings
    database: Database
    publisher: Publisher
    wording: Wording
    reader: SimulationReader
    clock: Clock
    ids: IdMaker
    model: LanguageModel | None = None
    """None: this process cannot ask one."""

"""`take_requests_v1` in Python: what the database must do, and a store for tests without one."""

import asyncio
from uuid import UUID

import msgspec

from services.api.rates import Grant

MINUTE_US = 60_000_000
EPOCH_US = 10_000_000


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the function's answer."""

    granted: int
    ahead: int
    room: int
    whole_us: int
    lapse_us: int
    wait_us: int


class RateModel:
    """One tenant's row."""

    def __init__(self) -> None:
        self.arrival = self.epoch = self.held = 0

    def take(self, now: int, quota: int, wanted: int, ahead: int) -> Taken:
        step = max(MINUTE_US // quota, 1)
        span = step * quota
        if self.epoch < now // EPOCH_US:
            if self.held:
                end = (self.epoch + 1) * EPOCH_US
                self.arrival = max(self.arrival, end + self.held * step)
            self.epoch, self.held = now // EPOCH_US, 0
        self.arrival = max(self.arrival, now)
        free = max((span - (self.arrival - now)) // step - self.held, 0)
        granted = min(wanted, free)
        free -= granted
        lent = 0
        if granted == wanted:
            lent = max(min(ahead, free // 2, quota // 20 - self.held), 0)
            free -= 2 * lent
        self.arrival += (granted + lent) * step
        self.held += lent
        whole = self.arrival - now + self.held * step
        return Taken(
            granted=granted,
            ahead=lent,
            room=free,
            whole_us=whole,
            lapse_us=(self.epoch + 1) * EPOCH_US - now,
            wait_us=max(whole + step - span, 0),
        )


class ModelStore:
    """The store of several processes, in memory; `is_down` makes it fail, `hang` wait."""

    def __init__(self) -> None:
        self.now_us = 1_000_000 * EPOCH_US
        self.rows: dict[UUID, RateModel] = {}
        self.is_down = False
        self.hang: asyncio.Event | None = None
        self.asked = 0

    def now_s(self) -> float:
        return self.now_us / 1e6

    async def take(self, tenant_id: UUID, quota: int, wanted: int, ahead: int) -> Grant:
        if self.is_down:
            raise OSError("down")
        self.asked += 1
        if self.hang is not None:
            await self.hang.wait()
        row = self.rows.setdefault(tenant_id, RateModel())
        taken = row.take(self.now_us, quota, wanted, ahead)
        return Grant(
            granted=taken.granted,
            ahead=taken.ahead,
            room=taken.room,
            whole_s=taken.whole_us / 1e6,
            lapse_s=taken.lapse_us / 1e6,
            wait_s=taken.wait_us / 1e6,
        )

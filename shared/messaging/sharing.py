"""Weighted deficit round robin between tenants, and how many slots one of them may have.

A tenant's turn lasts until it has had `QUANTUM` times its weight of jobs, however few slots are
free at a time: what is left of a turn is carried until the tenant comes to the front again, and is
lost when its queue is empty. Nobody begins a new turn while somebody whose turn lasts is being
answered. So tenants that all have work get jobs in proportion to their weights.

Running jobs count as well: an eighth of the slots stays for other tenants, so that one whose jobs
hang cannot take a whole worker. Nothing here waits or knows of messages. [R-C9]
"""

from collections import deque
from typing import Final
from uuid import UUID

QUANTUM: Final = 8
"""Jobs of one turn, times the weight."""

RESERVE: Final = 8
"""One slot in so many is kept from any single tenant."""


PATIENCE_S: Final = 1.0
"""Seconds that others wait for somebody's answer; one that takes longer may be lost. Far above the
time that a burst of judging keeps the event loop from hearing it."""


class Share:
    """One tenant's place."""

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.weight = 1
        self.deficit = 0
        """Jobs that are left of its turn."""
        self.in_flight = 0
        """Jobs asked for or running."""
        self.is_in_line = False
        self.is_capped = False
        """Has work and waits for one of its own jobs to end."""


class Line:
    """Who comes next."""

    def __init__(self, slots: int) -> None:
        self._most = max(1, slots - slots // RESERVE)
        self._line: deque[Share] = deque()
        self._awaited: dict[Share, float] = {}
        """Whose turn lasts and who asked, and when."""

    def __bool__(self) -> bool:
        """Say whether somebody is in line."""
        return bool(self._line)

    def join(self, share: Share) -> None:
        """Put a tenant with work in line: in front while its turn lasts, else at the end."""
        share.is_capped = False
        self._awaited.pop(share, None)
        if share.is_in_line:
            return
        share.is_in_line = True
        if share.deficit > 0:
            self._line.appendleft(share)
        else:
            self._line.append(share)

    def next(self, free: int, now: float) -> tuple[Share, int] | None:
        """Return whose turn it is, and how many jobs to ask for; None when it is nobody's.

        Where somebody is in line all the same, it is worth asking again after `PATIENCE_S`.

        Args:
            free: slots.
            now: seconds on any clock that never goes back.
        """
        while free > 0 and self._line:
            if self._line[0].deficit <= 0 and self._is_somebody_awaited(now):
                return None
            share = self._line.popleft()
            share.is_in_line = False
            room = self._most - share.in_flight
            if room <= 0:
                share.is_capped = True
                continue
            if share.deficit <= 0:
                share.deficit = QUANTUM * share.weight
            amount = min(share.deficit, free, room)
            share.deficit -= amount
            share.in_flight += amount
            if share.deficit > 0:
                self._awaited[share] = now
            return share, amount
        return None

    def _is_somebody_awaited(self, now: float) -> bool:
        late = [one for one, since in self._awaited.items() if now - since >= PATIENCE_S]
        for one in late:
            del self._awaited[one]
        return bool(self._awaited)

    def unfilled(self, share: Share, amount: int) -> None:
        """Take note that fewer jobs came than were asked for: the queue is empty."""
        self._awaited.pop(share, None)
        share.in_flight -= amount
        share.deficit = 0

    def ended(self, share: Share) -> bool:
        """Take note that a job ended; say whether the tenant is in line again by that."""
        share.in_flight = max(0, share.in_flight - 1)
        if not share.is_capped:
            return False
        self.join(share)
        return True

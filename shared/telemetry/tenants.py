"""Which tenants have a label of their own: those with the most traffic; all others share one.

So the number of series has a bound, however many tenants there are, and a tenant that becomes big
is seen within a minute. [R-D2]
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from shared.ids import format_id

TOP: Final = 50
"""Tenants with a label of their own."""

OTHER: Final = "other"
"""Label of everybody else."""

TURNOVER_S: Final = 60.0
"""Seconds between two looks at who is on top."""

FADE: Final = 0.5
"""What is left of a tenant's traffic after each look: the last minutes count, not history."""

REMEMBERED: Final = 2000
"""Tenants whose traffic is remembered between two looks; of more, the smallest are forgotten."""

LEAD: Final = 1.2
"""How much more traffic than the last of the top a newcomer needs: labels must not flap."""


class TopTenants:
    """Counts traffic and says which label a tenant has."""

    def __init__(
        self, now: Callable[[], float], on_leave: Callable[[str], None], *, most: int = TOP
    ) -> None:
        """Start without anybody.

        Args:
            now: monotonic seconds.
            on_leave: told the label of a tenant that has none of its own any more.
            most: how many have one.
        """
        self._now = now
        self._on_leave = on_leave
        self._most = most
        self._traffic: dict[UUID, float] = {}
        self._labels: dict[UUID, str] = {}
        self._next_look = now() + TURNOVER_S

    def label(self, tenant_id: UUID) -> str:
        """Count one piece of traffic; return the tenant's label."""
        traffic = self._traffic
        traffic[tenant_id] = traffic.get(tenant_id, 0.0) + 1.0
        if self._now() >= self._next_look or len(traffic) > 2 * REMEMBERED:
            self._look()
        label = self._labels.get(tenant_id)
        if label is None:
            if len(self._labels) >= self._most:
                return OTHER
            label = self._labels[tenant_id] = format_id("ten", tenant_id)
        return label

    def known(self, tenant_id: UUID) -> str:
        """Return the tenant's label without counting anything."""
        return self._labels.get(tenant_id, OTHER)

    def _look(self) -> None:
        self._next_look = self._now() + TURNOVER_S
        ranked = sorted(self._traffic.items(), key=self._rank, reverse=True)
        top = {tenant_id for tenant_id, _ in ranked[: self._most]}
        for tenant_id in [each for each in self._labels if each not in top]:
            self._on_leave(self._labels.pop(tenant_id))
        for tenant_id in top - self._labels.keys():
            self._labels[tenant_id] = format_id("ten", tenant_id)
        self._traffic = {
            tenant_id: count * FADE for tenant_id, count in ranked[:REMEMBERED] if count > 0.1
        }

    def _rank(self, one: tuple[UUID, float]) -> float:
        tenant_id, count = one
        return count * LEAD if tenant_id in self._labels else count


_top: TopTenants | None = None


def begin(now: Callable[[], float], on_leave: Callable[[str], None]) -> TopTenants:
    """Begin to rank in this process; the arguments are those of `TopTenants`."""
    global _top  # noqa: PLW0603 - a process has one set of labels, like its metrics
    _top = TopTenants(now, on_leave)
    return _top


def end() -> None:
    """Rank nobody from now on."""
    global _top  # noqa: PLW0603
    _top = None


def label_of(tenant_id: UUID) -> str:
    """Return the label of a tenant, for a metric; its traffic is counted elsewhere."""
    return OTHER if _top is None else _top.known(tenant_id)

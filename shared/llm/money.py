"""Money as text: US dollars outside, whole millionths inside."""

from decimal import ROUND_CEILING, Decimal
from typing import Final

MICRO: Final = 1_000_000
"""Millionths of a dollar in a dollar."""

PATTERN: Final = r"^(0|[1-9][0-9]{0,6})(\.[0-9]{1,6})?$"
"""Dollars as they are sent and shown: below ten million, at most six decimals, no sign."""


def microusd(dollars: str) -> int:
    """Return the millionths of an amount that fits `PATTERN`."""
    return int(Decimal(dollars) * MICRO)


def dollars(microusd: int) -> str:
    """Return an amount as decimal text without needless zeros: `12.5`, `0`, `0.000031`."""
    text = f"{microusd // MICRO}.{microusd % MICRO:06d}"
    return text.rstrip("0").rstrip(".")


def whole_microusd(amount: float | str) -> int:
    """Return the millionths of an amount from the configuration, rounded up."""
    return int((Decimal(str(amount)) * MICRO).to_integral_value(rounding=ROUND_CEILING))

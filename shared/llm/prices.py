"""What calls cost: a table that is data, dated, and overridable by file and by tenant.

Money is whole millionths of a US dollar, rounded up; prices are exact in between.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import msgspec
import yaml

from shared.contracts.base import Authored
from shared.contracts.llm import OwnPrice, Usage
from shared.yaml_files import read_yaml

MICRO: Final = 1_000_000
"""Dollars per million tokens are, times this, millionths of a millionth of a dollar per token: with
at most six decimals a whole number."""

PICO_PER_MICRO: Final = 1_000_000

OTHER: Final = "other"
"""What stands for models that no table of the installation names, where names are shown."""


class PricesError(Exception):
    """A price table cannot be used; the message says why and names no path."""


class TokenPrice(Authored, frozen=True, kw_only=True):
    """US dollars per million tokens, as decimal text or numbers."""

    input: Annotated[Decimal, msgspec.Meta(description="of what is sent")]
    output: Annotated[Decimal, msgspec.Meta(description="of what comes back")]
    cached: Decimal | None = None
    """Input read from the endpoint's cache; None: as `input`."""

    def __post_init__(self) -> None:
        for price in (self.input, self.output, self.cached):
            if price is not None and not (0 <= price <= 10_000 and price * MICRO % 1 == 0):
                raise ValueError("a price is 0..10000 with at most 6 decimals")


class Listed(TokenPrice, frozen=True, kw_only=True):
    """One line of a table."""

    model: str
    """A pattern; `*` stands for anything."""
    host: str = "*"
    valid_from: date


class Table(Authored, frozen=True, kw_only=True):
    """A file of prices."""

    source: str = ""
    as_of: date | None = None
    unknown: TokenPrice | None = None
    """Of models that no line names; None: the built-in one."""
    prices: tuple[Listed, ...] = ()


class ModelPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs on one day; see `shared.llm.records.Price`."""

    input: int
    """Millionths of a millionth of a dollar per token."""
    cached: int
    output: int
    is_known: bool = True
    listed_as: str = OTHER
    """The pattern that fits the model."""

    def cost_microusd(self, usage: Usage) -> int:
        """Return what a call cost, rounded up."""
        cached = min(usage.cached_tokens, usage.input_tokens)
        return _rounded_up(
            (usage.input_tokens - cached) * self.input
            + cached * self.cached
            + usage.output_tokens * self.output
        )

    def most_microusd(self, input_tokens: int, max_output_tokens: int) -> int:
        """Return the most that a call of this size can cost, rounded up."""
        dearest = max(self.input, self.cached)
        return _rounded_up(input_tokens * dearest + max_output_tokens * self.output)


class Prices:
    """Prices by model, endpoint and day; see `shared.llm.records.PriceBook`.

    The first of several tables that names a model decides; in it, a line that names the host goes
    before one that does not, the longer pattern before the shorter, the newer day before the older.
    """

    def __init__(self, tables: Sequence[Table], own: Mapping[str, OwnPrice] | None = None) -> None:
        self._tables = tables
        self._own = own or {}
        unknown = (table.unknown for table in tables if table.unknown is not None)
        self._unknown = _price(next(unknown), is_known=False)
        self._found: dict[tuple[str, str, date], ModelPrice] = {}

    def price(self, model: str, host: str, when: datetime) -> ModelPrice:
        """Return the price; of an unknown model the cautious one that the table names."""
        key = (model, host, when.astimezone(UTC).date())
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            found = self._found[key] = self._look_up(*key)
        return found

    def owned_by(self, own: Mapping[str, OwnPrice]) -> "Prices":
        """Return the same prices with a tenant's own before them."""
        return Prices(self._tables, own) if own else self

    def _look_up(self, model: str, host: str, day: date) -> ModelPrice:
        if model in self._own:
            own = self._own[model]
            return _price(TokenPrice(input=own.input, output=own.output, cached=own.cached))
        for table in self._tables:
            fitting = [line for line in table.prices if _fits(line, model, host, day)]
            if fitting:
                line = max(fitting, key=_rank)
                return _price(line, listed_as=line.model)
        return self._unknown


REMEMBERED: Final = 1000
"""Look-ups kept; a process knows few models."""


def _fits(line: Listed, model: str, host: str, day: date) -> bool:
    return (
        line.valid_from <= day
        and fnmatchcase(model.lower(), line.model.lower())
        and fnmatchcase(host.lower(), line.host.lower())
    )


def _rank(line: Listed) -> tuple[bool, int, date]:
    return line.host != "*", len(line.model.replace("*", "")), line.valid_from


def _price(listed: TokenPrice, *, is_known: bool = True, listed_as: str = OTHER) -> ModelPrice:
    cached = listed.input if listed.cached is None else listed.cached
    return ModelPrice(
        input=int(listed.input * MICRO),
        cached=int(cached * MICRO),
        output=int(listed.output * MICRO),
        is_known=is_known,
        listed_as=listed_as,
    )


def _rounded_up(pico: int) -> int:
    return -(-pico // PICO_PER_MICRO)


@cache
def built_in() -> Table:
    """Return the table that ships with the product."""
    return _table(read_yaml(files("shared.llm").joinpath("prices.yaml")))


def load_prices(path: str = "") -> Prices:
    """Return the installation's prices: those of its own file before the built-in ones.

    Raises:
        PricesError: the file cannot be read or is no price table.
    """
    if not path:
        return Prices((built_in(),))
    try:
        table = _table(read_yaml(Path(path)))
    except (OSError, UnicodeDecodeError):
        raise PricesError("the price table cannot be read") from None
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise PricesError(f"the price table is wrong: {error}") from None
    return Prices((table, built_in()))


def _table(value: object) -> Table:
    return msgspec.convert(value, Table, strict=False)

"""Prices are data: dated, matched by pattern and host, overridable; money is rounded up."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.llm import OwnPrice, Usage
from shared.llm.money import dollars, microusd, whole_microusd
from shared.llm.prices import Listed, Prices, PricesError, Table, TokenPrice, built_in, load_prices

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def listed(model: str, price: int, day: date = date(2020, 1, 1), host: str = "*") -> Listed:
    return Listed(
        model=model, host=host, valid_from=day, input=Decimal(price), output=Decimal(price)
    )


def table(*lines: Listed, unknown: int | None = 99) -> Table:
    price = None if unknown is None else Decimal(unknown)
    return Table(
        prices=lines,
        unknown=None if price is None else TokenPrice(input=price, output=price),
    )


def usd_of_a_million(prices: Prices, model: str, host: str = "h", when: datetime = NOW) -> float:
    cost = prices.price(model, host, when).cost_microusd(
        Usage(input_tokens=1_000_000, output_tokens=0)
    )
    return cost / 1_000_000


class TestChoosing:
    def test_the_longest_pattern_then_the_newest_day(self) -> None:
        prices = Prices(
            (
                table(
                    listed("gpt*", 1),
                    listed("gpt-mini*", 2),
                    listed("gpt-mini*", 3, date(2026, 6, 1)),
                    listed("gpt-mini*", 4, date(2027, 1, 1)),
                ),
            )
        )
        assert usd_of_a_million(prices, "gpt-large") == 1
        assert usd_of_a_million(prices, "gpt-mini-2026") == 3
        assert usd_of_a_million(prices, "GPT-Mini", when=datetime(2026, 5, 31, tzinfo=UTC)) == 2

    def test_a_line_that_names_the_host_goes_first(self) -> None:
        prices = Prices((table(listed("llama-3*", 5), listed("llama*", 0, host="localhost*")),))
        assert usd_of_a_million(prices, "llama-3-70b", "localhost:8000") == 0
        assert usd_of_a_million(prices, "llama-3-70b", "api.example.com") == 5

    def test_the_first_table_that_names_it_decides_and_a_tenant_comes_before_all(self) -> None:
        prices = Prices(
            (table(listed("a*", 1), unknown=None), table(listed("ab", 2), listed("c", 3)))
        )
        assert usd_of_a_million(prices, "ab") == 1
        assert usd_of_a_million(prices, "c") == 3
        own = prices.owned_by({"ab": OwnPrice(input=Decimal(7), output=Decimal(0))})
        assert usd_of_a_million(own, "ab") == 7
        assert usd_of_a_million(own, "c") == 3
        assert usd_of_a_million(prices, "ab") == 1

    def test_what_nobody_names_is_dear_and_marked(self) -> None:
        price = load_prices().price("never-heard-of-it", "h", NOW)
        assert not price.is_known
        assert price.most_microusd(1_000_000, 0) == 15_000_000

    def test_the_built_in_table_is_sound(self) -> None:
        lines = built_in().prices
        assert len({(line.model, line.host, line.valid_from) for line in lines}) == len(lines)
        assert all(line.valid_from <= NOW.date() for line in lines)
        for line in lines:
            assert line.cached is None or line.cached <= line.input, line.model
            model = line.model.replace("*", "")
            assert load_prices().price(model, "h", NOW).is_known


class TestMoney:
    def test_cached_input_is_cheaper_and_parts_are_rounded_up_once(self) -> None:
        price = load_prices().price("gpt-4o-mini", "api.openai.com", NOW)
        # 60 x 0.15 + 40 x 0.075 + 7 x 0.60 dollars per million = 16.2 millionths of a dollar
        usage = Usage(input_tokens=100, cached_tokens=40, output_tokens=7)
        assert price.cost_microusd(usage) == 17
        assert price.cost_microusd(Usage(input_tokens=0, output_tokens=0)) == 0
        assert price.cost_microusd(Usage(input_tokens=1, output_tokens=0)) == 1

    @given(
        st.integers(0, 100_000), st.integers(0, 100_000), st.integers(0, 100_000),
        st.sampled_from([line.model.replace("*", "") for line in built_in().prices]),
    )  # fmt: skip
    def test_no_call_costs_more_than_its_most(
        self, input_tokens: int, cached: int, output_tokens: int, model: str
    ) -> None:
        price = load_prices().price(model, "h", NOW)
        usage = Usage(input_tokens=input_tokens, cached_tokens=cached, output_tokens=output_tokens)
        assert price.cost_microusd(usage) <= price.most_microusd(input_tokens, output_tokens)

    @given(st.integers(0, 10**13 - 1))
    def test_dollars_as_text_and_back(self, amount: int) -> None:
        assert microusd(dollars(amount)) == amount

    def test_settings_are_rounded_up(self) -> None:
        assert whole_microusd(2.5) == 2_500_000
        assert whole_microusd(0.0000001) == 1


class TestFiles:
    def test_an_own_file_comes_before_the_built_in(self, tmp_path: Path) -> None:
        file = tmp_path / "prices.yaml"
        file.write_text(
            'unknown: {input: "1", output: "1"}\n'
            'prices:\n  - {model: "gpt-4o", valid_from: 2026-01-01, input: 1.25, output: "5"}\n'
        )
        prices = load_prices(str(file))
        assert usd_of_a_million(prices, "gpt-4o") == 1.25
        assert usd_of_a_million(prices, "gpt-4o-mini") == 0.15
        assert usd_of_a_million(prices, "never-heard-of-it") == 1

    @pytest.mark.parametrize(
        "text",
        [
            "prices: [{model: a, valid_from: 2026-01-01, input: -1, output: 1}]",
            "prices: [{model: a, valid_from: 2026-01-01, input: '0.0000001', output: 1}]",
            "prices: [{model: a, input: 1, output: 1}]",
            "prices: [{model: a, valid_from: 2026-01-01, input: 1, output: 1, extra: 1}]",
            "[1, 2",
        ],
    )
    def test_a_wrong_file_is_refused_in_words(self, text: str, tmp_path: Path) -> None:
        file = tmp_path / "prices.yaml"
        file.write_text(text)
        with pytest.raises(PricesError, match="the price table is wrong"):
            load_prices(str(file))

    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(PricesError, match="cannot be read"):
            load_prices(str(tmp_path / "no.yaml"))

"""The three forms of a symbol: unified `BTC/USD`, trading `tBTC:USD`, compact `BTCUSD`."""

from typing import Final

CASH: Final = frozenset({"USD", "TESTUSD"})
"""Currencies valued 1:1 in USD."""

TEST_PREFIX: Final = "TEST"
SHORTEST_COMPACT: Final = 6


def to_trading(unified: str) -> str:
    """`TESTBTC/TESTUSD` as `tTESTBTC:TESTUSD`."""
    text = unified.replace("/", ":")
    return text if text.startswith("t") else f"t{text}"


def from_compact(text: str) -> str:
    """`BTCUSD` as `BTC/USD`; whatever is not compact is passed on unchanged."""
    if "/" in text or len(text) < SHORTEST_COMPACT or not text.endswith("USD"):
        return text
    return f"{text[:-3]}/USD"


def pricing_currency(currency: str) -> str:
    """`BTC` for `TESTBTC`: test currencies have the price of the real one."""
    return currency.removeprefix(TEST_PREFIX)


def pricing_symbol(unified: str) -> str:
    """`BTC/USD` for `TESTBTC/TESTUSD`."""
    return "/".join(pricing_currency(part) for part in unified.split("/"))


def usd_symbol(currency: str) -> str:
    """The market that prices `currency` in USD."""
    return f"{pricing_currency(currency)}/USD"

"""Every shape of an answer, by family."""

from tests.contract.shapes import (
    account,
    bot,
    config,
    live,
    market,
    monitoring,
    orders,
    portfolio,
    strategies,
)

FAMILIES = (account, bot, config, live, market, monitoring, orders, portfolio, strategies)
PAIRS = {name: pair for family in FAMILIES for name, pair in family.PAIRS.items()}

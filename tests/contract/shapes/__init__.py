"""Every shape of an answer, by family."""

from tests.contract.shapes import account, bot, config, live, market, monitoring, orders

PAIRS = {
    name: pair
    for family in (account, bot, config, live, market, monitoring, orders)
    for name, pair in family.PAIRS.items()
}

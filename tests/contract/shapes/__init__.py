"""Every shape of an answer, by family."""

from tests.contract.shapes import account, bot, config, orders

PAIRS = {
    name: pair for family in (account, bot, config, orders) for name, pair in family.PAIRS.items()
}

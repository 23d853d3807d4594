"""Every shape of an answer, by family."""

from tests.contract.shapes import account, bot, orders

PAIRS = {name: pair for family in (account, bot, orders) for name, pair in family.PAIRS.items()}

"""Every shape of an answer, by family."""

from tests.contract.shapes import account, orders

PAIRS = {name: pair for family in (account, orders) for name, pair in family.PAIRS.items()}

"""The contract as data."""

from tests.contract.cases import (
    access,
    account,
    bodies,
    bot,
    config,
    configuring,
    creating,
    idempotency,
    live,
    market,
    orders,
    outages,
    risk,
    routing,
    validation,
)

CASES = [
    case
    for family in (
        routing,
        access,
        account,
        orders,
        bodies,
        bot,
        config,
        configuring,
        validation,
        creating,
        risk,
        idempotency,
        outages,
        live,
        market,
    )
    for case in family.CASES
]

"""The contract as data."""

from tests.contract.cases import (
    access,
    account,
    alerts,
    bodies,
    bot,
    caches,
    config,
    configuring,
    creating,
    idempotency,
    live,
    market,
    monitoring,
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
        monitoring,
        alerts,
        caches,
    )
    for case in family.CASES
]

"""Every table there is; the migrations bring a store to exactly these."""

from typing import Any

from shared_services.backtest import tables as backtest
from shared_services.bot import tables as bot
from shared_services.caching import tables as caching
from shared_services.config import tables as config
from shared_services.exchange.ccxt import tables as ccxt
from shared_services.exchange.paper import tables as paper
from shared_services.ledger import tables as ledger
from shared_services.monitoring import tables as monitoring
from shared_services.nonces import tables as nonces
from shared_services.orders import tables as orders
from shared_services.storage.port import Table

TABLES: tuple[Table[Any], ...] = (
    paper.ACCOUNT,
    paper.BALANCES,
    paper.ORDERS,
    paper.FILLS,
    ledger.BOOKED_FILLS,
    ledger.COST_BASES,
    ledger.DAILY_RESULTS,
    ledger.CURSORS,
    orders.ORDER_NOTES,
    orders.IDEMPOTENCY,
    orders.LEASES,
    backtest.BACKTESTS,
    backtest.BACKTEST_RESULTS,
    bot.BOT,
    bot.BOT_DAYS,
    caching.CACHE,
    caching.CACHE_COUNTS,
    config.CONFIG_VERSIONS,
    monitoring.ALERTS,
    monitoring.PERFORMANCE,
    ccxt.CLIENT_IDS,
    nonces.NONCES,
)

"""A paper exchange with 10 000 TESTUSD and half a TESTBTC, and orders for it."""

from decimal import Decimal
from itertools import count

from shared_services.exchange.model import OrderRequest, OrderType, Side
from shared_services.exchange.paper.account import open_account
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.exchange.paper.market import Market
from shared_services.storage import Store
from shared_services.storage.memory import MemoryStore
from tests.fakes import FixedClock

SYMBOL = "TESTBTC/TESTUSD"
CASH, COINS = Decimal(10_000), Decimal("0.5")

_numbers = count(1)


def request(side: Side = Side.BUY, amount: str = "0.01", price: str | None = None) -> OrderRequest:
    return OrderRequest(
        client_id=f"client-{next(_numbers)}",
        symbol=SYMBOL,
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
        side=side,
        amount=Decimal(amount),
        price=None if price is None else Decimal(price),
    )


async def open_exchange(
    market: Market, clock: FixedClock, store: Store | None = None
) -> PaperExchange:
    store = store or MemoryStore()
    await store.transaction(open_account, {"TESTUSD": CASH, "TESTBTC": COINS}, clock.now)
    return PaperExchange(store, market, clock)


async def held(exchange: PaperExchange) -> dict[str, tuple[Decimal, Decimal]]:
    """Total and available by currency."""
    return {one.currency: (one.total, one.available) for one in await exchange.balances()}

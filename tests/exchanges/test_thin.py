from tests.exchanges.conftest import *
from decimal import Decimal
from shared_services.exchange.model import *


async def test_thin(exchange, fake):
    print(await exchange.ticker("BTC/USD"))
    print(await exchange.balances())
    print(await exchange.limitations())
    print((await exchange.instruments())["BTC/USD"])
    print(await exchange.candles("BTC/USD", "1h", 3))
    print(await exchange.order_book("BTC/USD", 2))
    print(await exchange.trades("BTC/USD", 3))
    print(await exchange.listings())
    print(await exchange.open_orders())
    print(await exchange.closed_orders(None, 10))
    print(await exchange.fills(None))
    r = OrderRequest(
        "abc", "TESTBTC/TESTUSD", OrderType.LIMIT, Side.BUY, Decimal("0.01"), Decimal("39000")
    )
    o = await exchange.create(r)
    print(o)
    print(await exchange.order(o.id))
    print(await exchange.order_by_client_id("abc"))
    await exchange.cancel(o.id)
    print(await exchange.order_by_client_id("abc"))
    print(fake.arrivals)

"""Orders on the wire."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fastapi_app.schemas import Absent, IsoZ, Number, TradingSymbol, Wire
from shared_services.exchange.model import OrderStatus, OrderType, PositionType, Side

Positive = Annotated[float, Field(gt=0)]
Datetime = Annotated[IsoZ, Field(validation_alias="timestamp")]


class OrderRequest(BaseModel):
    """Documents the body of an order; the order service itself reads and judges it.

    Numbers may also be sent as strings; null counts as missing where a default is named.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
            ]
        }
    )

    symbol: str = Field(min_length=1, description="Unified: `BTC/USD`")
    order_type: OrderType
    side: Side
    amount: Positive
    price: Positive | None = Field(default=None, description="Required for limit orders")
    position_type: PositionType = PositionType.SPOT
    leverage: Positive = 1
    stop_loss: Positive | None = Field(default=None, description="Recorded, not placed")
    take_profit: Positive | None = Field(default=None, description="Recorded, not placed")
    client_order_id: str | None = Field(default=None, min_length=1, max_length=255)


class _AnyOrder(Wire):
    id: str
    side: Side
    amount: Number
    filled: Number
    remaining: Number
    price: Number
    status: OrderStatus
    timestamp: int


class OrderOut(_AnyOrder):
    symbol: TradingSymbol
    type: OrderType
    position_type: PositionType
    client_order_id: str | Absent = None


class OrderPlaced(Wire):
    message: Literal["Order placed successfully"] = "Order placed successfully"
    order: OrderOut


class OpenOrder(_AnyOrder):
    symbol: TradingSymbol
    order_type: OrderType = Field(validation_alias="type")
    datetime: Datetime


class OpenOrders(Wire):
    orders: list[OpenOrder]


class OrderClosed(_AnyOrder):
    """Symbols of the history are unified; the exchange gives no list of trades."""

    symbol: str
    order_type: OrderType
    datetime: Datetime
    cost: Number
    fee: Number
    trades: list[object] = Field(default=[])


class OrderCancelled(Wire):
    message: str
    order: Literal[True] = True

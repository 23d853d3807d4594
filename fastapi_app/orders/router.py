"""Endpoints of the orders."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from fastapi_app.dependencies import (
    HistoryLimit,
    IdempotencyKey,
    JsonObject,
    SymbolText,
    TradingServices,
    required_symbol,
)
from fastapi_app.openapi import refusals, request_body
from fastapi_app.orders.path import ORDER
from fastapi_app.orders.schemas import (
    OpenOrders,
    OrderCancelled,
    OrderClosed,
    OrderOut,
    OrderPlaced,
    OrderRequest,
)
from shared_services.orders.model import ClosedOrder, Order

router = APIRouter(prefix="/api/orders", tags=["orders"])

OrderId = Annotated[str, Path(description="The exchange's id")]


@router.get("", response_model=OpenOrders)
async def list_orders(services: TradingServices) -> dict[str, list[Order]]:
    """Orders that are still open."""
    return {"orders": await services.orders.open()}


@router.post(
    "",
    status_code=201,
    response_model=OrderPlaced,
    response_model_exclude_none=True,
    openapi_extra=request_body(OrderRequest),
    responses=refusals(409),
)
async def create_order(
    body: JsonObject,
    services: TradingServices,
    response: Response,
    key: IdempotencyKey,
) -> dict[str, Order]:
    """Place an order, at most once per idempotency key."""
    placed = await services.orders.create(body, key)
    if placed.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return {"order": placed.order}


@router.get("/history", response_model=list[OrderClosed])
async def list_history(
    symbol: SymbolText, limit: HistoryLimit, services: TradingServices
) -> list[ClosedOrder]:
    """Orders that are no longer open, newest first."""
    return await services.orders.history(symbol, limit)


@router.get(
    ORDER,
    dependencies=[Depends(required_symbol)],
    response_model=OrderOut,
    response_model_exclude_none=True,
    responses=refusals(404),
)
async def get_order(order_id: OrderId, services: TradingServices) -> Order:
    """The symbol must be there, as it always had to be; the id alone decides."""
    return await services.orders.get(order_id)


@router.delete(ORDER, response_model=OrderCancelled, responses=refusals(400, 404))
async def cancel_order(order_id: OrderId, services: TradingServices) -> OrderCancelled:
    """Cancel an open order."""
    await services.orders.cancel(order_id)
    return OrderCancelled(message=f"Order {order_id} cancelled successfully")

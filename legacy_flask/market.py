"""/api/market"""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.wire import market as wire
from shared_services.market.reading import read_bars, read_levels, read_timeframe

blueprint = Blueprint("market", __name__, url_prefix="/api/market")


@blueprint.get("/ohlcv/<symbol>")
def get_ohlcv(symbol: str) -> ResponseReturnValue:
    timeframe = read_timeframe(request.args.get("timeframe"))
    limit = read_bars(request.args.get("limit"))
    bars = call(lambda services: services.market.candles(symbol, timeframe, limit))
    return jsonify([wire.candle(bar) for bar in bars])


@blueprint.get("/orderbook/<symbol>")
def get_order_book(symbol: str) -> ResponseReturnValue:
    limit = read_levels(request.args.get("limit"))
    book = call(lambda services: services.market.order_book(symbol, limit))
    return jsonify(wire.order_book(book))


@blueprint.get("/ticker/<symbol>")
def get_ticker(symbol: str) -> ResponseReturnValue:
    return jsonify(wire.ticker(call(lambda services: services.market.ticker(symbol))))


@blueprint.get("/markets")
def get_markets() -> ResponseReturnValue:
    return jsonify(wire.markets(call(lambda services: services.market.markets())))

"""/api/orderbook"""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.wire import market as wire
from shared_services.market.reading import read_levels

blueprint = Blueprint("orderbook", __name__, url_prefix="/api/orderbook")


@blueprint.get("/<symbol>")
def get_book(symbol: str) -> ResponseReturnValue:
    exchange, limit = request.args.get("exchange"), read_levels(request.args.get("limit"))
    book = call(lambda services: services.orderbook.book(symbol, exchange, limit))
    return jsonify(wire.venue_book(book))


@blueprint.get("/<symbol>/aggregate")
def get_aggregate(symbol: str) -> ResponseReturnValue:
    limit = read_levels(request.args.get("limit"))
    book = call(lambda services: services.orderbook.aggregate(symbol, limit))
    return jsonify(wire.merged_book(book))

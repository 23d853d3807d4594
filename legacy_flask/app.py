"""The application factory."""

from flask import Flask
from flask_cors import CORS

from legacy_flask import (
    auth,
    backtest,
    balances,
    bot,
    config,
    errors,
    health,
    indicators,
    limitations,
    live,
    market,
    monitoring,
    orderbook,
    orders,
    portfolio,
    positions,
    risk,
    status,
    strategy,
)
from legacy_flask.blocking import Blocking
from legacy_flask.body import MAX_BODY
from legacy_flask.json import ContractJSONProvider
from legacy_flask.routing import OrderIdConverter
from shared_services.services import open_services
from shared_services.settings import TradingSettings


def create_app(settings: TradingSettings | None = None, blocking: Blocking | None = None) -> Flask:
    """The Flask app; by default with settings from the environment and services of its own."""
    settings = TradingSettings() if settings is None else settings
    app = Flask(__name__, static_folder=None)
    # Werkzeug 3.1 cuts a chunked body at its limit without a word: one byte more tells.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY + 1
    app.json = ContractJSONProvider(app)
    app.url_map.converters["order_id"] = OrderIdConverter
    app.extensions["blocking"] = blocking or Blocking(lambda: open_services(settings))
    CORS(app)
    errors.init_app(app)
    auth.init_app(app, settings)
    for family in (
        health,
        status,
        balances,
        positions,
        orders,
        limitations,
        bot,
        config,
        live,
        market,
        orderbook,
        monitoring,
        backtest,
        portfolio,
        risk,
        strategy,
        indicators,
    ):
        app.register_blueprint(family.blueprint)
    return app

"""The trading API as its clients have always known it, on Flask."""

from legacy_flask.app import create_app as create_app

"""How paths are read."""

from werkzeug.routing import UnicodeConverter


class OrderIdConverter(UnicodeConverter):
    """Any one segment but `history`, which is a route of its own for every method."""

    regex = r"(?!history\Z)[^/]+"

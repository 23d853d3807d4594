"""How paths are read."""

from werkzeug.routing import BaseConverter


class OrderIdConverter(BaseConverter):
    """Any one segment but `history`, which is a route of its own for every method."""

    regex = r"(?!history\Z)[^/]+"
    part_isolating = True

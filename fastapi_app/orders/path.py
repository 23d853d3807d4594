"""The path of one order."""

from starlette.convertors import StringConvertor, register_url_convertor


class OrderIdConvertor(StringConvertor):
    """Any one segment but `history`, which is a route of its own for every method."""

    regex = r"(?!history\Z)[^/]+"


register_url_convertor("order_id", OrderIdConvertor())

ORDER = "/{order_id:order_id}"

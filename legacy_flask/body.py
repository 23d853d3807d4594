"""Request bodies."""

from flask import abort, request

from shared_services.jsonbody import parse_object

MAX_BODY = 16 * 1024 * 1024  # bytes


def json_object() -> dict[str, object]:
    """The body as a JSON object, numbers exact.

    Refuses, in this order: more than MAX_BODY, another content type, anything but an object.
    """
    raw = request.get_data(cache=False)
    if len(raw) > MAX_BODY:
        abort(413)
    if not request.is_json:
        abort(415)
    return parse_object(raw)

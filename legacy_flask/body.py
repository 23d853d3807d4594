"""Request bodies."""

from flask import abort, request

from shared_services.jsonbody import MISSING_BODY, JsonObject, parse_object

MAX_BODY = 16 * 1024 * 1024  # bytes


def json_object(missing: str = MISSING_BODY, *, may_be_empty: bool = False) -> JsonObject:
    """The body as a JSON object, numbers exact; `missing` is what the refusal of none says.

    Refuses, in this order: more than MAX_BODY, another content type, anything but an object.
    """
    raw = request.get_data(cache=False)
    if len(raw) > MAX_BODY:
        abort(413)
    if not request.is_json:
        abort(415)
    return parse_object(raw, missing=missing, may_be_empty=may_be_empty)

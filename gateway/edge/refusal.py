"""What is refused before any stack sees it: a closed set of reasons, each with its status. Pure."""

import json
from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why; the label of `gateway_refused_total`."""

    REQUEST_LINE = "request_line"
    METHOD = "method"
    TARGET = "target"
    VERSION = "version"
    CONNECT = "connect"
    FIELD = "field"
    HOST = "host"
    SCHEME = "scheme"
    FRAMING = "framing"
    CODING = "coding"
    CHUNK = "chunk"
    EXPECTATION = "expectation"
    LONG_LINE = "long_line"
    LONG_FIELD = "long_field"
    MANY_FIELDS = "many_fields"
    HEAD_TIMEOUT = "head_timeout"
    BODY_TIMEOUT = "body_timeout"


STATUS: Final = {
    **dict.fromkeys(Reason, 400),
    Reason.HEAD_TIMEOUT: 408,
    Reason.BODY_TIMEOUT: 408,
    Reason.LONG_LINE: 414,
    Reason.EXPECTATION: 417,
    Reason.LONG_FIELD: 431,
    Reason.MANY_FIELDS: 431,
    Reason.CONNECT: 501,
    Reason.CODING: 501,
}


class Refused(Exception):
    """A request that no stack gets to see. `text` tells the client the rule and never repeats its bytes."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.status = STATUS[reason]
        self.text = text

    @property
    def body(self) -> bytes:
        return json.dumps({"error": self.text}).encode() + b"\n"

"""Finds the end of a head in what arrives, in linear time, and refuses early. Pure."""

import re
from typing import Final

from gateway.edge.head import long_field, long_line, read_line
from gateway.edge.limits import Limits
from gateway.edge.refusal import Reason, Refused

_END: Final = b"\r\n\r\n"
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")
_METHOD: Final = re.compile(rb"[!$%&'*+\-.^_`|~0-9A-Z]*")


class Scanner:
    """Collects one head after the other. `waiting` tells whether one has begun."""

    __slots__ = ("_held", "_limits", "_line_read")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = bytearray()
        self._line_read = False

    @property
    def waiting(self) -> bool:
        return bool(self._held)

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        """A head without its empty line, and what follows it; None while it is incomplete.

        Raises Refused; the scanner is then of no more use.
        """
        if not self._held:
            end = data.find(_END)
            if end > 0:
                return data[:end], data[end + 4 :]
        searched = max(0, len(self._held) - 3)
        self._held += data
        end = self._held.find(_END, searched)
        if end < 0:
            self._check(searched)
            return None
        head, rest = bytes(self._held[:end]), bytes(self._held[end + 4 :])
        self._held.clear()
        self._line_read = False
        return head, rest

    def _check(self, searched: int) -> None:
        """What gunicorn would refuse, too, without waiting for the rest."""
        held, limits = self._held, self._limits
        begin = 2 if held.startswith(b"\r\n") else 0
        if not self._line_read:
            self._check_line(begin)
        if _BARE_LF.search(held, searched):
            reason = Reason.FIELD if self._line_read else Reason.REQUEST_LINE
            raise Refused(reason, "lines end with CRLF")
        if len(held) > limits.line + limits.head:
            raise long_field(limits)
        if self._line_read and len(held) - held.rfind(b"\n") > limits.field:
            raise long_field(limits)

    def _check_line(self, begin: int) -> None:
        held, limits = self._held, self._limits
        end = held.find(b"\r\n", begin)
        if end >= 0:
            read_line(bytes(held[begin:end]), limits)
            self._line_read = True
        elif len(held) - begin > limits.line + 1:  # the last byte may be the CR of the end
            raise long_line(limits)
        elif held[begin:] != b"\r" and not _METHOD.fullmatch(held[begin:].split(b" ", 1)[0]):
            # TLS on the clear port, for one: nothing that may follow makes a method of this.
            raise Refused(Reason.METHOD, "a method has 3 to 20 characters and no lower case")

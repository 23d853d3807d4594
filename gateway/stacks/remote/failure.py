"""Why a remote stack's answer does not reach the client."""

from gateway.faults import CUT, NOBODYS


class StackFailed(Exception):
    """Before the answer began: the client gets `status`, and the message as the reason.

    `fault` is one of gateway.faults, for those who judge the stack.
    """

    def __init__(self, status: int, why: str, fault: str = "") -> None:
        super().__init__(why)
        self.status, self.fault = status, fault


class Unforwardable(StackFailed):
    """The request itself cannot be sent on as one HTTP/1.1 request; no stack is to blame."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why, NOBODYS)


class StackCut(Exception):
    """After the answer began: raised to the server, which closes the client's connection.

    So the client can tell that what it has is not all.
    """

    fault = CUT

"""What went wrong in a Flask app, which answers 500 by itself and raises nothing."""

import sys
from typing import Any, Final

from gateway.faults import fingerprint
from gateway.messages import FAULT, Message

FAULTS: Final = "banyan.faults"  # in an environ: a list of fingerprints, filled while the view runs


def hear_flask() -> None:
    """From now on every Flask app of this process says of which exception it makes a 500.

    Told to an app's signal, whatever WSGI middleware is around it. Nothing if Flask is not here.
    """
    if "flask" not in sys.modules:
        return
    from flask import got_request_exception  # noqa: PLC0415 (not where no app uses it)

    got_request_exception.connect(_heard)


def blamed(start: Message, faults: list[str]) -> Message:
    """The start of an answer, with what is known of its failure."""
    if faults and start["status"] >= 500:
        start[FAULT] = faults[0]
    return start


def _heard(_app: Any, exception: BaseException, **_: Any) -> None:
    from flask import request  # noqa: PLC0415 (not where no app uses it)

    faults = request.environ.get(FAULTS) if request else None
    if faults is not None:
        faults.append(fingerprint(exception))

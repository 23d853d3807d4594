"""Loads one app, and says what it serves: `python -m gateway.doctor.child`, started by `loading.py`.

What is to be loaded is JSON on standard input; the answer is a line of JSON. Whatever the app prints goes
to standard error.
"""

import json
import os
import sys

from gateway.doctor.debug import debuggers
from gateway.errors import BanyanError
from gateway.inventory import told_as, told_by
from gateway.stacks.load import load


def main() -> None:
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asked = json.loads(sys.stdin.buffer.read())
    sys.path[:] = asked["path"]
    try:
        app = load(asked["setting"], asked["value"])
    except BanyanError as error:
        found: dict[str, object] = {"error": str(error)}
    else:
        found = {"told": told_as(told_by(app)), "debug": debuggers(app)}
    answer.write(json.dumps(found) + "\n")
    answer.flush()
    os._exit(0)  # threads that the app has started need not end


if __name__ == "__main__":
    main()

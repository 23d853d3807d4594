"""The library's database, which both its apps read and write."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends


def connected() -> Iterator[sqlite3.Connection]:
    path = Path(os.environ.get("LENDING_DB", "lending.db"))
    new = not path.exists()
    with closing(sqlite3.connect(path, check_same_thread=False)) as database:
        database.row_factory = sqlite3.Row
        if new:
            database.executescript(Path("schema.sql").read_text())
        yield database


Database = Annotated[sqlite3.Connection, Depends(connected)]


def as_json(book: sqlite3.Row) -> dict[str, Any]:
    bought, fee = datetime.fromisoformat(book["bought"]), Decimal(book["fee"])
    return {**dict(book), "bought": bought, "fee": fee}

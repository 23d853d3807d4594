"""The blog's tables as both FastAPI ports read and write them: those of the Flask app, in its file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, HTTPException

_spec = find_spec("flaskr")  # where it is; it is not imported
assert _spec is not None
assert _spec.origin is not None
FLASKR = Path(_spec.origin).parent
DATABASE = FLASKR.parent / "instance/flaskr.sqlite"
POSTS = (
    "SELECT p.id, title, body, created, author_id, username"
    " FROM post p JOIN user u ON p.author_id = u.id"
)

sqlite3.register_converter("timestamp", lambda v: datetime.fromisoformat(v.decode()))


def connect() -> sqlite3.Connection:
    db = sqlite3.connect(
        DATABASE, detect_types=sqlite3.PARSE_DECLTYPES, check_same_thread=False
    )  # FastAPI opens and closes it in whatever thread is free
    db.row_factory = sqlite3.Row
    return db


def connected() -> Iterator[sqlite3.Connection]:
    with closing(connect()) as db:
        yield db


Database = Annotated[sqlite3.Connection, Depends(connected)]


def user_by_id(db: sqlite3.Connection, user_id: object) -> Any:
    return db.execute("SELECT * FROM user WHERE id = ?", (user_id,)).fetchone()


def user_by_name(db: sqlite3.Connection, name: str) -> Any:
    return db.execute("SELECT * FROM user WHERE username = ?", (name,)).fetchone()


def all_posts(db: sqlite3.Connection) -> list[Any]:
    return db.execute(f"{POSTS} ORDER BY created DESC").fetchall()


def post_of(db: sqlite3.Connection, post_id: int, author: Any) -> Any:
    post = db.execute(f"{POSTS} WHERE p.id = ?", (post_id,)).fetchone()
    if post is None:
        raise HTTPException(404, f"Post id {post_id} doesn't exist.")
    if post["author_id"] != author["id"]:
        raise HTTPException(403)
    return post


def write(db: sqlite3.Connection, statement: str, *values: object) -> None:
    db.execute(statement, values)
    db.commit()

"""A town's library as its Flask app has served it for years; nothing of it knows of any gateway."""

import os
import sqlite3
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Flask, abort, g, jsonify, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

app = Flask(__name__, static_folder=None)
app.config["SECRET_KEY"] = os.environ["LENDING_SECRET"]


def database() -> sqlite3.Connection:
    if "database" not in g:
        path = Path(os.environ.get("LENDING_DB", "lending.db"))
        new = not path.exists()
        g.database = sqlite3.connect(path)
        g.database.row_factory = sqlite3.Row
        if new:
            g.database.executescript(Path("schema.sql").read_text())
    connection: sqlite3.Connection = g.database
    return connection


@app.teardown_appcontext
def close(_error: BaseException | None) -> None:
    if "database" in g:
        g.pop("database").close()


@app.before_request
def load_member() -> None:
    g.member = session.get("member")


@app.errorhandler(HTTPException)
def problem(error: HTTPException) -> ResponseReturnValue:
    response = error.get_response()
    response.data = jsonify(error=error.description).data
    response.content_type = "application/json"
    return response


@app.get("/")
def index() -> ResponseReturnValue:
    return redirect(url_for("books"))


@app.get("/books/")
def books() -> ResponseReturnValue:
    author = request.args.get("author", "%")
    limit = request.args.get("limit", 10, type=int)
    rows = database().execute("SELECT * FROM book WHERE author LIKE ? LIMIT ?", (author, limit))
    return jsonify([_book(row) for row in rows])


@app.get("/books/<int:book_id>")
def book(book_id: int) -> ResponseReturnValue:
    row = database().execute("SELECT * FROM book WHERE id = ?", (book_id,)).fetchone()
    if row is None:
        abort(404, "No such book.")
    return jsonify(_book(row))


@app.post("/login")
def login() -> ResponseReturnValue:
    given = (request.form.get("name"), request.form.get("pin"))
    if not database().execute("SELECT 1 FROM member WHERE (name, pin) = (?, ?)", given).fetchone():
        abort(403, "Wrong name or PIN.")
    session["member"] = given[0]
    return redirect(url_for("me"))


@app.get("/me")
def me() -> ResponseReturnValue:
    return jsonify(member=_member())


@app.post("/loans")
def borrow() -> ResponseReturnValue:
    book_id = request.get_json().get("book_id")
    if not isinstance(book_id, int):
        abort(400, "Which book?")
    try:
        database().execute("INSERT INTO loan (member, book_id) VALUES (?, ?)", (_member(), book_id))
    except sqlite3.IntegrityError:
        abort(409, "That book is lent.")
    database().commit()
    return jsonify(book_id=book_id, member=_member()), 201


@app.get("/loans")
def loans() -> ResponseReturnValue:
    rows = database().execute("SELECT id, book_id FROM loan WHERE member = ?", (_member(),))
    return jsonify([dict(row) for row in rows])


@app.delete("/loans/<int:loan_id>")
def give_back(loan_id: int) -> ResponseReturnValue:
    gone = database().execute("DELETE FROM loan WHERE (id, member) = (?, ?)", (loan_id, _member()))
    database().commit()
    if not gone.rowcount:
        abort(404, "No such loan.")
    return "", 204


def _member() -> str:
    if g.member is None:
        abort(401, "Log in first.")
    member: str = g.member
    return member


def _book(row: sqlite3.Row) -> dict[str, Any]:
    bought, fee = datetime.fromisoformat(row["bought"]), Decimal(row["fee"])
    return {**dict(row), "bought": bought, "fee": fee}

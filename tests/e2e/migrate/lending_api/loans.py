"""What is left of the library to move: the shelves, the login, the loans."""

import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request, Response
from lending_api.members import Member  # type: ignore[import-not-found]  # no package of the tests
from lending_api.store import Database, as_json  # type: ignore[import-not-found]  # nor this

from gateway.kit.compat import redirect, url_for
from gateway.kit.session import Session

router = APIRouter()
Field = Annotated[str | None, Form()]


@router.get("/")
def index(request: Request) -> Response:
    return redirect(url_for(request, "books"))


@router.get("/books/", name="books")
def books(database: Database, author: str = "%", limit: int = 10) -> list[dict[str, Any]]:
    rows = database.execute("SELECT * FROM book WHERE author LIKE ? LIMIT ?", (author, limit))
    return [as_json(row) for row in rows]


@router.post("/login")
def login(
    request: Request, database: Database, session: Session, name: Field = None, pin: Field = None
) -> Response:
    found = database.execute("SELECT 1 FROM member WHERE (name, pin) = (?, ?)", (name, pin))
    if found.fetchone() is None:
        raise HTTPException(403, "Wrong name or PIN.")
    session["member"] = name
    return redirect(url_for(request, "me"))


@router.get("/loans")
def loans(member: Member, database: Database) -> list[dict[str, Any]]:
    rows = database.execute("SELECT id, book_id FROM loan WHERE member = ?", (member,))
    return [dict(row) for row in rows]


@router.post("/loans", status_code=201)
def borrow(loan: dict[str, Any], member: Member, database: Database) -> dict[str, Any]:
    book_id = loan.get("book_id")
    if not isinstance(book_id, int):
        raise HTTPException(400, "Which book?")
    try:
        database.execute("INSERT INTO loan (member, book_id) VALUES (?, ?)", (member, book_id))
    except sqlite3.IntegrityError as error:
        raise HTTPException(409, "That book is lent.") from error
    database.commit()
    return {"book_id": book_id, "member": member}


@router.delete("/loans/{loan_id}", status_code=204)
def give_back(loan_id: int, member: Member, database: Database) -> None:
    gone = database.execute("DELETE FROM loan WHERE (id, member) = (?, ?)", (loan_id, member))
    database.commit()
    if not gone.rowcount:
        raise HTTPException(404, "No such loan.")

"""The blog on FastAPI with the kit: its clients, its templates and its database are those of Flask."""

import sqlite3
from contextlib import closing
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Form, Path, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.concurrency import run_in_threadpool
from werkzeug.security import check_password_hash, generate_password_hash

from gateway.kit.compat.files import static_files
from gateway.kit.compat.install import flask_compatible
from gateway.kit.compat.urls import redirect, url_for
from gateway.kit.session import FlaskSession, Session, flash, flash_context, session_of
from tests.blog.store import (
    FLASKR,
    Database,
    all_posts,
    connect,
    post_of,
    user_by_id,
    user_by_name,
    write,
)

templates = Environment(
    loader=FileSystemLoader(FLASKR / "templates"), autoescape=select_autoescape()
)
auth = APIRouter(prefix="/auth")
blog = APIRouter()
Field = Annotated[str, Form()]


class LoginRequired(Exception):
    """Nobody is logged in."""


async def load_logged_in_user(request: Request) -> None:
    user_id = session_of(request).get("user_id")
    request.state.user = None if user_id is None else await run_in_threadpool(_user, user_id)


def _user(user_id: object) -> Any:
    with closing(connect()) as db:
        return user_by_id(db, user_id)


def logged_in(request: Request) -> Any:
    if request.state.user is None:
        raise LoginRequired
    return request.state.user


Author = Annotated[Any, Depends(logged_in)]


def own_post(post_id: Annotated[int, Path(alias="id")], db: Database, author: Author) -> Any:
    return post_of(db, post_id, author)


OwnPost = Annotated[Any, Depends(own_post)]


def page(request: Request, name: str, **context: Any) -> Response:
    """Flask's template with the names it finds there."""
    form = {"form": context.pop("form", {})}
    named = {"g": request.state, "request": form, "url_for": partial(url_for, request)}
    template = templates.get_template(name)
    return HTMLResponse(template.render(**flash_context(request), **named, **context))


def go(request: Request, name: str) -> Response:
    return redirect(url_for(request, name))


@auth.get("/register", name="auth.register")
def register_form(request: Request) -> Any:
    return page(request, "auth/register.html")


@auth.post("/register")
def register(
    request: Request, db: Database, session: Session, username: Field, password: Field
) -> Any:
    error = None
    if not username:
        error = "Username is required."
    elif not password:
        error = "Password is required."
    else:
        try:
            statement = "INSERT INTO user (username, password) VALUES (?, ?)"
            write(db, statement, username, generate_password_hash(password))
        except sqlite3.IntegrityError:
            error = f"User {username} is already registered."
    if error is None:
        return go(request, "auth.login")
    flash(session, error)
    return page(request, "auth/register.html")


@auth.get("/login", name="auth.login")
def login_form(request: Request) -> Any:
    return page(request, "auth/login.html")


@auth.post("/login")
def login(
    request: Request, db: Database, session: Session, username: Field, password: Field
) -> Any:
    found = user_by_name(db, username)
    if found is None:
        flash(session, "Incorrect username.")
    elif not check_password_hash(found["password"], password):
        flash(session, "Incorrect password.")
    else:
        session.clear()
        session["user_id"] = found["id"]
        return go(request, "index")
    return page(request, "auth/login.html")


@auth.get("/logout", name="auth.logout")
def logout(request: Request, session: Session) -> Any:
    session.clear()
    return go(request, "index")


@blog.get("/", name="index")
def index(request: Request, db: Database) -> Any:
    return page(request, "blog/index.html", posts=all_posts(db))


@blog.get("/hello")
def hello() -> str:
    return "Hello, World!"


@blog.get("/create", name="blog.create")
def create_form(request: Request, _author: Author) -> Any:
    return page(request, "blog/create.html")


@blog.post("/create")
def create(
    request: Request, db: Database, session: Session, author: Author, title: Field, body: Field
) -> Any:
    if not title:
        flash(session, "Title is required.")
        return page(request, "blog/create.html", form={"title": title, "body": body})
    statement = "INSERT INTO post (title, body, author_id) VALUES (?, ?, ?)"
    write(db, statement, title, body, author["id"])
    return go(request, "index")


@blog.get("/{id:int}/update", name="blog.update")
def update_form(request: Request, post: OwnPost) -> Any:
    return page(request, "blog/update.html", post=post)


@blog.post("/{id:int}/update")
def update(
    request: Request, db: Database, session: Session, post: OwnPost, title: Field, body: Field
) -> Any:
    if not title:
        flash(session, "Title is required.")
        form = {"title": title, "body": body}
        return page(request, "blog/update.html", post=post, form=form)
    write(db, "UPDATE post SET title = ?, body = ? WHERE id = ?", title, body, post["id"])
    return go(request, "index")


@blog.post("/{id:int}/delete", name="blog.delete")
def delete(request: Request, db: Database, post: OwnPost) -> Any:
    write(db, "DELETE FROM post WHERE id = ?", post["id"])
    return go(request, "index")


app = FastAPI()
app.add_middleware(FlaskSession, "dev")
flask_compatible(app, before_request=[load_logged_in_user])
app.mount("/static", static_files(FLASKR / "static"), name="static")
app.include_router(auth)
app.include_router(blog)


@app.exception_handler(LoginRequired)
async def to_login(request: Request, _error: LoginRequired) -> Response:
    return go(request, "auth.login")

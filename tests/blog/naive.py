"""The blog as a FastAPI developer would write it: idiomatic, and not what the clients of Flask know."""

import sqlite3
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Form, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from starlette.middleware.sessions import SessionMiddleware
from werkzeug.security import check_password_hash, generate_password_hash

from tests.blog.store import FLASKR, Database, all_posts, post_of, user_by_id, user_by_name, write

templates = Jinja2Templates(directory=Path(__file__).parent / "naive_templates")
auth = APIRouter(prefix="/auth")
blog = APIRouter()
Field = Annotated[str, Form()]


class LoginRequired(Exception):
    """Nobody is logged in."""


def current_user(request: Request, db: Database) -> Any:
    return user_by_id(db, request.session.get("user_id"))


User = Annotated[Any, Depends(current_user)]


def logged_in(user: User) -> Any:
    if user is None:
        raise LoginRequired
    return user


Author = Annotated[Any, Depends(logged_in)]


def own_post(post_id: int, db: Database, author: Author) -> Any:
    return post_of(db, post_id, author)


OwnPost = Annotated[Any, Depends(own_post)]


def page(request: Request, name: str, **context: Any) -> Response:
    messages = request.session.pop("flashes", [])
    return templates.TemplateResponse(
        request, name, {"user": None, "messages": messages, **context}
    )


def flash(request: Request, message: str) -> None:
    request.session["flashes"] = [*request.session.get("flashes", []), message]


def go(request: Request, name: str) -> Response:
    return RedirectResponse(request.url_for(name), 303)


@auth.get("/register", name="register")
def register_form(request: Request, user: User) -> Any:
    return page(request, "auth/register.html", user=user)


@auth.post("/register")
def register(request: Request, db: Database, user: User, username: Field, password: Field) -> Any:
    try:
        statement = "INSERT INTO user (username, password) VALUES (?, ?)"
        write(db, statement, username, generate_password_hash(password))
    except sqlite3.IntegrityError:
        flash(request, f"User {username} is already registered.")
        return page(request, "auth/register.html", user=user)
    return go(request, "login")


@auth.get("/login", name="login")
def login_form(request: Request, user: User) -> Any:
    return page(request, "auth/login.html", user=user)


@auth.post("/login")
def login(request: Request, db: Database, user: User, username: Field, password: Field) -> Any:
    found = user_by_name(db, username)
    if found is None:
        flash(request, "Incorrect username.")
    elif not check_password_hash(found["password"], password):
        flash(request, "Incorrect password.")
    else:
        request.session.clear()
        request.session["user_id"] = found["id"]
        return go(request, "index")
    return page(request, "auth/login.html", user=user)


@auth.get("/logout", name="logout")
def logout(request: Request) -> Any:
    request.session.clear()
    return go(request, "index")


@blog.get("/", name="index")
def index(request: Request, db: Database, user: User) -> Any:
    return page(request, "blog/index.html", user=user, posts=all_posts(db))


@blog.get("/hello")
def hello() -> Any:
    return PlainTextResponse("Hello, World!")


@blog.get("/create", name="create")
def create_form(request: Request, user: Author) -> Any:
    return page(request, "blog/create.html", user=user, title="", body="")


@blog.post("/create")
def create(request: Request, db: Database, user: Author, title: Field, body: Field) -> Any:
    statement = "INSERT INTO post (title, body, author_id) VALUES (?, ?, ?)"
    write(db, statement, title, body, user["id"])
    return go(request, "index")


@blog.get("/{post_id}/update", name="update")
def update_form(request: Request, user: Author, post: OwnPost) -> Any:
    return page(request, "blog/update.html", user=user, post=post)


@blog.post("/{post_id}/update")
def update(request: Request, db: Database, post: OwnPost, title: Field, body: Field) -> Any:
    write(db, "UPDATE post SET title = ?, body = ? WHERE id = ?", title, body, post["id"])
    return go(request, "index")


@blog.post("/{post_id}/delete", name="delete")
def delete(request: Request, db: Database, post: OwnPost) -> Any:
    write(db, "DELETE FROM post WHERE id = ?", post["id"])
    return go(request, "index")


app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key="dev")
app.mount("/static", StaticFiles(directory=FLASKR / "static"), name="static")
app.include_router(auth)
app.include_router(blog)


@app.exception_handler(LoginRequired)
async def to_login(request: Request, _error: LoginRequired) -> Response:
    return go(request, "login")

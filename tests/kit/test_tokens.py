"""JSON web tokens at the kit against flask-jwt-extended itself."""

import time
from base64 import urlsafe_b64encode
from datetime import timedelta
from functools import cache
from typing import Annotated, Any

import flask
import jwt
import pytest
from fastapi import Depends, FastAPI
from fastapi import Request as FastAPIRequest
from fastapi.responses import Response
from flask_jwt_extended import JWTManager, create_access_token, get_jwt, jwt_required
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.kit.compat import FlaskJSONResponse, flask_compatible
from gateway.kit.compat import tokens as kit
from tests.drive import AsgiTarget, Request
from tests.kit.equal import both, quiet_flask

KEY = "a key of the tests, which has thirty-two bytes and more"
ROUTES: dict[str, dict[str, Any]] = {
    "/jwt": {},
    "/optional": {"optional": True},
    "/fresh": {"fresh": True},
    "/refresh": {"refresh": True},
}
BOTH = (kit.Location.HEADERS, kit.Location.COOKIES)


def flask_app(**config: Any) -> flask.Flask:
    app = quiet_flask(__name__)
    app.config.update(JWT_SECRET_KEY=KEY, **config)
    manager = JWTManager(app)
    manager.token_in_blocklist_loader(lambda _header, claims: claims["jti"] == "revoked")
    for path, arguments in ROUTES.items():
        view = jwt_required(**arguments)(lambda: flask.jsonify(get_jwt()))
        app.add_url_rule(path, path, view, methods=["GET", "POST"])
    return app


async def revoked(claims: kit.Claims) -> bool:
    return claims["jti"] == "revoked"


def fastapi_app(*, decoder: dict[str, Any] | None = None, **settings: Any) -> AsgiTarget:
    app = FastAPI()
    flask_compatible(app)
    app.exception_handler(kit.TokenRefused)(kit.refuse_token)
    decode = kit.jwt_decoder(KEY, **(decoder or {}))
    tokens = kit.Tokens(decode=decode, revoked=revoked, **settings)
    for path, arguments in ROUTES.items():
        app.add_api_route(
            path, view(kit.jwt_required(tokens, **arguments)), methods=["GET", "POST"]
        )
    return AsgiTarget(app)


def view(required: Any) -> Any:
    async def endpoint(claims: Annotated[dict[str, Any], Depends(required)]) -> Response:
        return FlaskJSONResponse(claims)

    return endpoint


def token(key: str = KEY, algorithm: str = "HS256", **claims: Any) -> str:
    return jwt.encode({"sub": "me", **claims}, key, algorithm)


@cache
def pair() -> tuple[flask.Flask, AsgiTarget]:
    return flask_app(), fastapi_app()


async def assert_same(request: Request) -> None:
    ours, flasks = await both(*pair(), request)
    assert ours == flasks


def unsigned(head: bytes, claims: bytes) -> str:
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in (head, claims, b"s"))


HEAD = b'{"alg":"HS256","typ":"JWT"}'
VALID = token(jti="1", type="access", fresh=True)
TOKENS = {
    "valid": VALID,
    "bare": token(),
    "fresh until later": token(fresh=time.time() + 1000),
    "fresh until now": token(fresh=time.time() - 1),
    "refresh": token(type="refresh"),
    "another type": token(type="other"),
    "expired": token(exp=1),
    "expired refresh token": token(exp=1, type="refresh"),
    "expired, for somebody else": token(exp=1, aud="them"),
    "expired, of nobody": jwt.encode({"exp": 1}, KEY),
    "of nobody": jwt.encode({"a": 1}, KEY),
    "of a number": token(sub=1),
    "not yet": token(nbf=time.time() + 1000),
    "for somebody": token(aud="them"),
    "revoked": token(jti="revoked"),
    "another key": token(KEY[::-1]),
    "another algorithm": token(KEY * 2, "HS512"),
    "unsigned": jwt.encode({"sub": "me"}, "", "none"),
    "no token": "x",
    "two segments": "x.y",
    "three segments": "x.y.z",
    "no JSON": unsigned(HEAD, b"{"),
    "no object": unsigned(HEAD, b"[]"),
    "no algorithm": unsigned(b"{}", b"{}"),
    "no head": unsigned(b"[]", b"{}"),
    "number of a token": token(jti=5),
}


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("name", TOKENS)
async def test_p086_a_token_is_taken_or_refused_as_in_flask(name: str, path: str) -> None:
    await assert_same(Request("GET", path, {"Authorization": f"Bearer {TOKENS[name]}"}))


HEADERS = {
    "empty": "",
    "lower case": f"bearer {VALID}",
    "basic": "Basic x",
    "scheme only": "Bearer",
    "scheme and blanks": "Bearer   ",
    "two tokens": f"Bearer {VALID} {VALID}",
    "two fields": f"Basic x, Bearer {VALID}",
    "two bearers": f"Bearer {VALID}, Bearer {VALID}",
    "two lines": f"Basic x\nBearer {VALID}",
    "two blanks": f"Bearer  {VALID}",
    "comma at the end": f"Bearer {VALID},",
    "no scheme": VALID,
    "beyond ASCII": "Bearer \xe9",
}


@pytest.mark.parametrize("path", ["/jwt", "/optional"])
@pytest.mark.parametrize("name", HEADERS)
async def test_p087_the_header_is_read_as_in_flask(name: str, path: str) -> None:
    await assert_same(Request("GET", path, {"Authorization": HEADERS[name]}))


@pytest.mark.parametrize("path", ROUTES)
async def test_p085_without_a_token_there_is_a_message_and_no_challenge(path: str) -> None:
    await assert_same(Request("GET", path))


@settings(deadline=None)  # the first example builds the apps
@given(st.text("Bearx. ,é", max_size=16))
async def test_p087_any_header_is_read_as_in_flask(text: str) -> None:
    request = Request("GET", "/jwt", {"Authorization": text.strip()})
    ours, flasks = await both(*pair(), request)
    assert ours == flasks or (ours[0], flasks[0]) == (401, 500)


async def test_p087_a_header_of_commas_which_crashes_flask_is_refused() -> None:
    request = Request("GET", "/jwt", {"Authorization": ", ,"})
    ours, flasks = await both(*pair(), request)
    assert (ours[0], flasks[0]) == (401, 500)


COOKIES: dict[str, dict[str, str]] = {
    "none": {},
    "access": {"Cookie": f"access_token_cookie={token(csrf='c')}"},
    "refresh": {"Cookie": f"refresh_token_cookie={token(type='refresh', csrf='c')}"},
    "empty": {"Cookie": "access_token_cookie="},
    "twice": {"Cookie": f"access_token_cookie=x; access_token_cookie={VALID}"},
    "without its claim": {"Cookie": f"access_token_cookie={VALID}"},
    "expired": {"Cookie": f"access_token_cookie={token(exp=1, csrf='c')}"},
    "in the header": {"Authorization": f"Bearer {VALID}"},
    "broken header": {"Authorization": "Bearer a b", "Cookie": f"access_token_cookie={VALID}"},
    "broken cookie": {"Authorization": f"Bearer {VALID}", "Cookie": "access_token_cookie=x"},
}


@pytest.mark.parametrize("csrf", [None, "c", "d"])
@pytest.mark.parametrize("name", COOKIES)
@pytest.mark.parametrize("path", ["/jwt", "/refresh"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("locations", [BOTH, BOTH[1:]], ids=str)
async def test_p085_tokens_in_cookies_are_taken_as_in_flask(
    locations: tuple[kit.Location, ...], method: str, path: str, name: str, csrf: str | None
) -> None:
    headers = COOKIES[name] | ({} if csrf is None else {"X-CSRF-TOKEN": csrf})
    flask = flask_app(JWT_TOKEN_LOCATION=[str(location) for location in locations])
    fastapi = fastapi_app(locations=locations)
    ours, flasks = await both(flask, fastapi, Request(method, path, headers))
    assert ours == flasks


SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "header": ({"JWT_HEADER_NAME": "X-Token"}, {"header_name": "X-Token"}),
    "type": ({"JWT_HEADER_TYPE": "JWT"}, {"header_type": "JWT"}),
    "no type": ({"JWT_HEADER_TYPE": ""}, {"header_type": ""}),
    "claim": ({"JWT_IDENTITY_CLAIM": "id"}, {"identity_claim": "id"}),
    "audience": ({"JWT_DECODE_AUDIENCE": "us"}, {"decoder": {"audience": "us"}}),
    "issuer": ({"JWT_DECODE_ISSUER": "us"}, {"decoder": {"issuer": "us"}}),
    "leeway": ({"JWT_DECODE_LEEWAY": 1000}, {"decoder": {"leeway": 1000}}),
    "algorithm": ({"JWT_ALGORITHM": "HS512"}, {"decoder": {"algorithms": ["HS512"]}}),
    "subject": ({"JWT_VERIFY_SUB": False}, {"decoder": {"verify_sub": False}}),
}
SENT = [
    {"Authorization": f"Bearer {VALID}"},
    {"Authorization": f"JWT {VALID}"},
    {"Authorization": VALID},
    {"Authorization": "a b"},
    {"X-Token": f"Bearer {VALID}"},
    {"Authorization": f"Bearer {token(id=1)}"},
    {"Authorization": f"Bearer {token(sub=1)}"},
    {"Authorization": f"Bearer {token(aud='us')}"},
    {"Authorization": f"Bearer {token(aud='them')}"},
    {"Authorization": f"Bearer {token(iss='us')}"},
    {"Authorization": f"Bearer {token(exp=int(time.time()) - 500)}"},
    {"Authorization": f"Bearer {token(KEY * 2, 'HS512')}"},
]


@pytest.mark.parametrize("name", SETTINGS)
async def test_p085_every_setting_means_what_it_means_in_flask(name: str) -> None:
    config, settings = SETTINGS[name]
    for headers in SENT:
        ours, flasks = await both(
            flask_app(**config), fastapi_app(**settings), Request("GET", "/jwt", headers)
        )
        assert ours == flasks, headers


async def test_p085_a_token_that_flask_made_is_taken() -> None:
    with flask_app().app_context():
        made = create_access_token("me", expires_delta=timedelta(minutes=1))
    await assert_same(Request("GET", "/jwt", {"Authorization": f"Bearer {made}"}))


async def test_p085_options_needs_no_token() -> None:
    scope = {"type": "http", "method": "OPTIONS", "headers": []}
    required = kit.jwt_required(kit.Tokens(decode=kit.jwt_decoder(KEY)))
    assert await required(FastAPIRequest(scope)) == {}

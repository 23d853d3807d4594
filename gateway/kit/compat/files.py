"""Files as Flask sends them: its tag, `no-cache`, both spellings of a name, single ranges only.

Starlette's tag is another one, so caches would be filled again at every change of stack, and it
answers several ranges with a multipart body. May go once nobody has cached what Flask sent.
"""

import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, TypedDict, Unpack

import werkzeug.utils
from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from werkzeug.exceptions import HTTPException as WerkzeugException
from werkzeug.routing import Map, RequestRedirect, Rule
from werkzeug.wrappers import Response as WerkzeugResponse

from gateway.kit.compat.pages import html
from gateway.kit.compat.routes import listed, route_path
from gateway.kit.compat.wsgi import Passed, environ

FilePath = os.PathLike[str] | str

# Flask's rule; what it does with slashes it decides by what stands before the file.
_METHODS = ["GET", "OPTIONS"]
_MOUNTED = Map([Rule("/<mount>/<path:filename>", endpoint="static", methods=_METHODS)])
_UNMOUNTED = Map([Rule("/<path:filename>", endpoint="static", methods=_METHODS)])


class FileOptions(TypedDict, total=False):
    """The options of `flask.send_file`; `max_age` is in seconds."""

    mimetype: str | None
    as_attachment: bool
    download_name: str | None
    conditional: bool
    etag: bool | str
    last_modified: datetime | int | float | None
    max_age: int | None


async def send_file(
    request: Request, path_or_file: FilePath | IO[bytes], **options: Unpack[FileOptions]
) -> Response:
    """What `flask.send_file` answers, for a path or a binary file that it will close.

    The tag depends on how the path is spelled: give it as Flask does, absolute. A relative one
    begins where the process runs, while Flask's begins at the app's package.
    """
    send = partial(werkzeug.utils.send_file, path_or_file, **options)
    return await _sent(request.scope, send)


async def send_from_directory(
    request: Request, directory: FilePath, path: str, **options: Unpack[FileOptions]
) -> Response:
    """`send_file` for a path that a client gave; 404 if that leads outside, or to no file."""
    send = partial(werkzeug.utils.send_from_directory, directory, path, **options)
    return await _sent(request.scope, send)


def static_files(directory: FilePath, *, max_age: int | None = None) -> ASGIApp:
    """Flask's static route, to be mounted where it was: `app.mount("/static", …, name="static")`.

    `directory` is the absolute path of Flask's `static_folder`, spelled as there.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        response = await _static(scope, directory, max_age)
        await response(scope, receive, send)

    return answer


async def _static(scope: Scope, directory: FilePath, max_age: int | None) -> Response:
    outer, _, mount = scope.get("root_path", "").rpartition("/")
    request = environ({**scope, "root_path": outer, "path": f"{outer}/{mount}{route_path(scope)}"})
    urls = (_MOUNTED if mount else _UNMOUNTED).bind_to_environ(request)
    try:
        _, values = urls.match()
    except RequestRedirect as redirect:
        return Passed(redirect.get_response(), request)
    except WerkzeugException as error:
        raise _translated(error) from error
    if scope["method"] == "OPTIONS":
        return html("", headers={"Allow": listed(urls.allowed_methods())})
    send = partial(werkzeug.utils.send_from_directory, directory, max_age=max_age)
    return await _sent(scope, partial(send, values["filename"]))


async def _sent(scope: Scope, send: Callable[..., WerkzeugResponse]) -> Response:
    """The answer of one of Werkzeug's functions, which read the disk."""
    request = environ(scope)
    call = partial(send, environ=request, _root_path=str(Path.cwd()))
    try:
        return Passed(await to_thread.run_sync(call), request)
    except WerkzeugException as error:
        raise _translated(error) from error


def _translated(error: WerkzeugException) -> HTTPException:
    """Starlette's, so that the app's own handler for the status is asked, as in Flask."""
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return HTTPException(error.code or 500, headers=headers)

"""Forms as Flask reads them: by Werkzeug, within the limits of Flask's config.

Starlette counts urlencoded fields as well, refuses with 400 where Flask says 413, and fails on a
multipart body without boundary, which Flask reads as an empty form. May go once clients send what
both accept.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, cast

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

_SPOOLED = 500 * 1024  # bytes in memory, then a file, as Werkzeug keeps uploads
_FORMS = {"multipart/form-data", "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class FormLimits:
    """MAX_FORM_MEMORY_SIZE (bytes of a text part) and MAX_FORM_PARTS of Flask's config.

    Both are of multipart bodies only. None is no limit.
    """

    max_form_memory_size: int | None = 500_000
    max_form_parts: int | None = 1_000


async def read_form(request: Request, limits: FormLimits) -> FormData:
    """The fields, then the files, of a body that is a form; empty if it is another or is broken.

    Raises HTTPException(413) beyond the limits.
    """
    content_type, options = parse_options_header(request.headers.get("content-type"))
    mimetype = content_type.lower()
    if mimetype not in _FORMS:
        return FormData()
    parser = FormDataParser(
        max_form_memory_size=limits.max_form_memory_size, max_form_parts=limits.max_form_parts
    )
    body = await _spooled(request)
    try:
        _, fields, files = await run_in_threadpool(
            parser.parse, body.file, mimetype, body.size, options
        )
    except RequestEntityTooLarge as error:
        raise HTTPException(413) from error
    finally:
        await body.close()
    return FormData([*fields.items(multi=True), *_uploads(files.items(multi=True))])


async def _spooled(request: Request) -> UploadFile:
    """The body in memory, or in a file that threads write: the loop waits for no disk."""
    file: IO[bytes] = SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 (whoever asked closes it)
    body = UploadFile(cast("BinaryIO", file), size=0)
    try:
        async for chunk in request.stream():
            await body.write(chunk)
        await body.seek(0)
    except BaseException:
        await body.close()
        raise
    return body


def _uploads(files: Iterable[tuple[str, FileStorage]]) -> Iterator[tuple[str, UploadFile]]:
    for name, file in files:
        size = file.stream.seek(0, 2)
        file.stream.seek(0)
        headers = Headers(dict(file.headers.items()))
        stream = cast("BinaryIO", file.stream)
        yield name, UploadFile(stream, size=size, filename=file.filename, headers=headers)

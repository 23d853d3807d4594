"""The request as Flask reads it: query, cookies and forms by Werkzeug's rules.

Starlette takes the last of a repeated name where Flask takes the first, reads `%FF` as U+FFFD and
cookies by Django's rules. Both answer 200, so nobody would notice that the stacks act on different
values. May go once no client repeats names or sends bytes that are not UTF-8.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from starlette._utils import AwaitableOrContextManager, AwaitableOrContextManagerWrapper
from starlette.datastructures import FormData, ImmutableMultiDict, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from werkzeug.sansio.http import parse_cookie

from gateway.kit.compat.forms import FormLimits, read_form
from gateway.kit.compat.json import is_json

READING: Final = "gateway.kit.reading"  # in the scope, so that a copy of the request reads alike
_LIMITS: Final = FormLimits()  # Flask's defaults
_KEEP: Final = "werkzeug.url_quote"  # an error handler for codecs: what is not UTF-8 stays quoted

Many = TypeVar("Many", bound=ImmutableMultiDict[str, Any])


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a request is read as Flask does; without `forms` those are Starlette's."""

    query: bool = True
    cookies: bool = True
    forms: FormLimits | None = _LIMITS
    json_body: bool = False  # FastAPI asks for the body as JSON before the dependencies run


class Malformed:
    """In place of a JSON body that is none, until the dependencies have run."""

    def get(self, _name: str, _default: object = None) -> "Malformed":
        return self


class FlaskRequest(Request):
    """A request that reads as the scope's `Reading` says, by default all as Flask."""

    _asked_for_json = False

    @property
    def reading(self) -> Reading:
        reading: Reading = self.scope.get(READING) or Reading()
        return reading

    @property
    def query_params(self) -> QueryParams:
        if self.reading.query and not hasattr(self, "_query_params"):
            query = self.scope["query_string"].decode("utf-8", _KEEP)
            pairs = parse_qsl(query, keep_blank_values=True, errors=_KEEP)
            self._query_params = first_wins(QueryParams(pairs))
        return super().query_params

    @property
    def cookies(self) -> dict[str, str]:
        if self.reading.cookies and not hasattr(self, "_cookies"):
            self._cookies = parse_cookie("; ".join(self.headers.getlist("cookie"))).to_dict()
        return super().cookies

    async def json(self) -> Any:
        """The body; to FastAPI, which asks first, `Malformed` if it is no JSON.

        A dependency that asks after it raises HTTPException(400), as `get_json()` does.
        """
        if not self.reading.json_body or not await self._has_json():
            return await super().json()
        first, self._asked_for_json = not self._asked_for_json, True
        try:
            return await super().json()
        except (ValueError, RecursionError) as error:
            if first:
                return Malformed()
            raise HTTPException(400) from error

    def form(
        self,
        *,
        max_files: float | None = None,
        max_fields: float | None = None,
        max_part_size: int | None = None,
    ) -> AwaitableOrContextManager[FormData]:
        """Limits of the call's own win over those of the app; files count as fields do."""
        given = {"max_files": max_files, "max_fields": max_fields, "max_part_size": max_part_size}
        given = {name: limit for name, limit in given.items() if limit is not None}
        limits = self.reading.forms
        if limits is None:
            return super().form(**given)  # type: ignore[arg-type]  # each has its own type
        parts = max_fields if max_files is None else max_files + (max_fields or 0)
        return AwaitableOrContextManagerWrapper(
            self._read_form(
                FormLimits(
                    limits.max_form_memory_size if max_part_size is None else max_part_size,
                    limits.max_form_parts if parts is None else int(parts),
                )
            )
        )

    async def _read_form(self, limits: FormLimits) -> FormData:
        if self._form is None:
            self._form = first_wins(await read_form(self, limits))
        return self._form

    async def _has_json(self) -> bool:
        return is_json(self.headers.get("content-type")) and bool(await self.body())


def first_wins(values: Many) -> Many:
    """`values` with the first of each name where a single one is asked for."""
    firsts: dict[str, Any] = {}
    for name, value in values.multi_items():
        firsts.setdefault(name, value)
    values._dict = firsts  # noqa: SLF001 (the constructor lets the last one win)
    return values

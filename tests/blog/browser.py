"""A client that acts as a browser does: it keeps cookies, reads pages, follows links, sends forms."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx

_REDIRECTS = {301, 302, 303, 307, 308}
_AGAIN = {307, 308}  # with the same method


class Lost(AssertionError):
    """What the user would click is not on the page."""


@dataclass
class Form:
    method: str = "get"
    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class Browser:
    """Every answer is in `seen`, redirects too; `headers` is asked anew for each request."""

    def __init__(self, client: httpx.Client, headers: Callable[[], dict[str, str]]) -> None:
        self.seen: list[httpx.Response] = []
        self._client = client
        self._headers = headers

    @property
    def page(self) -> httpx.Response:
        return self.seen[-1]

    def open(self, path: str, method: str = "GET", **request: Any) -> httpx.Response:
        """Sends a request and follows up to five redirects."""
        for _ in range(6):
            self.send(path, method, **request)
            if self.page.status_code not in _REDIRECTS:
                return self.page
            path = self.page.headers["location"]
            if self.page.status_code not in _AGAIN:
                method, request = "GET", {}
        raise Lost(f"too many redirects to {path}")

    def send(self, path: str, method: str = "GET", **request: Any) -> httpx.Response:
        """Sends a request as the client that is no browser does."""
        url = urljoin(str(self.page.url), path) if self.seen else path
        headers = self._headers() | request.pop("headers", {})
        self.seen.append(self._client.request(method, url, headers=headers, **request))
        return self.page

    def click(self, text: str, which: int = 0) -> httpx.Response:
        """Follows the link with this text, the first if there are several."""
        links = [href for label, href in _read(self.page).links if label == text]
        if len(links) <= which:
            raise Lost(f"no link {text!r} on {self.page.url}")
        return self.open(links[which])

    def submit(self, button: str, **fields: str) -> httpx.Response:
        """Sends the form with this button, its fields as the page filled them unless they are given."""
        for form in _read(self.page).forms:
            if form.fields.get("") == button:
                data = {name: value for name, value in form.fields.items() if name} | fields
                return self.open(form.action, form.method.upper(), data=data)
        raise Lost(f"no button {button!r} on {self.page.url}")


def _read(page: httpx.Response) -> "_Reader":
    reader = _Reader()
    reader.feed(page.text)
    return reader


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.forms: list[Form] = []
        self._href: str | None = None
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "link":
            self.links.append((given["rel"], given["href"]))
        elif tag == "a":
            self._href = given["href"]
        elif tag == "form":
            self.forms.append(Form(given["method"], given.get("action", "")))
        elif tag == "input":  # the button is the field without a name
            self.forms[-1].fields[given.get("name", "")] = given.get("value", "")
        elif tag == "textarea":
            self._area = given["name"]
            self.forms[-1].fields[self._area] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        elif tag == "a":
            self._href = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.forms[-1].fields[self._area] += data
        elif self._href is not None:
            self.links.append((data, self._href))

"""The rules of the edge for the scopes of other servers."""

from ipaddress import ip_network
from typing import Any

import pytest

from gateway.edge.hygiene import check
from gateway.edge.limits import Limits
from gateway.edge.refusal import Reason
from gateway.edge.refusals import REFUSED, refuse

LIMITS = Limits(trusted=(ip_network("127.0.0.1"),))


def scope(*headers: tuple[bytes, bytes], **given: Any) -> dict[str, Any]:
    return {
        "type": "http", "http_version": "1.1", "method": "GET", "path": "/a", "raw_path": b"/a", "query_string": b"",
        "scheme": "http", "client": ("127.0.0.1", 1), "headers": [(b"host", b"x"), *headers],
    } | given  # fmt: skip


def reason(*headers: tuple[bytes, bytes], **given: Any) -> str | None:
    refused = check(scope(*headers, **given), LIMITS)
    return refused.reason if refused else None


def test_a_good_request_passes_unchanged() -> None:
    good = scope((b"content-length", b"5"), (b"expect", b"100-continue"))
    before = dict(good)
    assert check(good, LIMITS) is None
    assert good == before


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")], Reason.FRAMING),
        ([(b"content-length", b"5"), (b"content-length", b"5")], Reason.FRAMING),
        ([(b"content-length", b"x")], Reason.FRAMING),
        ([(b"transfer-encoding", b"gzip, chunked")], Reason.CODING),
        ([(b"host", b"y")], Reason.HOST),
        ([(b"expect", b"wonders")], Reason.EXPECTATION),
        ([(b"x-a", b"b" * 8_190)], Reason.LONG_FIELD),
        ([(b"x-a", b"b")] * 100, Reason.MANY_FIELDS),
        ([(b"x-forwarded-proto", b"https"), (b"x-forwarded-ssl", b"off")], Reason.SCHEME),
    ],
)
def test_t63_p119_p120_p121_b110_what_a_server_let_pass_is_refused(
    headers: Any, expected: Reason
) -> None:
    assert reason(*headers) == expected


@pytest.mark.parametrize("sign", [b",", b"@", b"/", b"?", b"#"])
def test_b110_a_host_that_poisons_a_url_is_refused(sign: bytes) -> None:
    assert reason(headers=[(b"host", b"a" + sign + b"b")]) == Reason.HOST


@pytest.mark.parametrize(
    ("method", "raw_path", "expected"),
    [
        ("GET", b"@evil", Reason.TARGET), ("GET", b"*", Reason.TARGET), ("GET", b"/\xff", Reason.TARGET),
        ("get", b"/", Reason.METHOD), ("CONNECT", b"x:80", Reason.CONNECT), ("CONNECT", b"/", Reason.CONNECT),
        ("GET", b"/" + b"a" * 4_081, Reason.LONG_LINE), ("GET", b"/" + b"a" * 4_080, None), ("OPTIONS", b"*", None),
    ],
)  # fmt: skip
def test_t66_b022_b110_the_line_is_judged_as_far_as_it_shows(
    method: str, raw_path: bytes, expected: Reason | None
) -> None:
    assert reason(method=method, raw_path=raw_path) == expected


def test_p021_an_absolute_form_becomes_a_path() -> None:
    absolute = scope(path="http://other/a b", raw_path=b"http://other/a%20b", query_string=b"c=d")
    assert check(absolute, LIMITS) is None
    assert (absolute["path"], absolute["raw_path"], absolute["query_string"]) == (
        "/a b",
        b"/a%20b",
        b"c=d",
    )


def test_p064_the_query_is_cut_at_its_fragment() -> None:
    cut = scope(query_string=b"a=1#f")
    assert check(cut, LIMITS) is None
    assert (cut["path"], cut["query_string"]) == ("/a", b"a=1")


def test_a_trusted_proxy_names_the_scheme_and_nobody_else() -> None:
    claimed = (b"x-forwarded-proto", b"https")
    trusted, stranger = scope(claimed), scope(claimed, client=("192.0.2.1", 1))
    assert check(trusted, LIMITS) is None
    assert check(stranger, LIMITS) is None
    assert (trusted["scheme"], stranger["scheme"]) == ("https", "http")


def test_http_2_has_a_framing_of_its_own() -> None:
    lengths = [(b"content-length", b"5"), (b"content-length", b"5")]
    assert reason(*lengths, http_version="2") is None


def test_a_server_that_hides_the_path_is_believed() -> None:
    assert reason(raw_path=None) is None


async def test_a_refusal_is_an_answer_that_closes_and_is_counted() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    bad = scope((b"expect", b"wonders"))
    refused = check(bad, LIMITS)
    assert refused is not None
    before = REFUSED.labels("expectation")._value.get()
    await refuse(bad, send, refused)
    assert sent[0]["status"] == 417
    assert (b"connection", b"close") in sent[0]["headers"]
    assert (b"content-length", b"%d" % len(sent[1]["body"])) in sent[0]["headers"]
    assert REFUSED.labels("expectation")._value.get() == before + 1

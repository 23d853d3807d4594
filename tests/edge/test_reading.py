"""Requests as the edge reads them, without a socket. Statuses are those of gunicorn 27."""

from collections.abc import Sequence
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.framing import CHUNKED
from gateway.edge.head import Head, read_head
from gateway.edge.limits import Limits, is_trusted
from gateway.edge.refusal import STATUS, Reason, Refused
from gateway.edge.scanner import Scanner
from tests.edge.corpus import CORPUS, Case
from tests.edge.events import events
from tests.edge.wire import chunked, get, post

LIMITS = Limits()
SHORT = [case for case in CORPUS if len(case.raw) < 400]


def read(raw: bytes, limits: Limits = LIMITS, *, trusted: bool = True) -> Head:
    (head, *_), refused = _split(events([raw], limits, trusted=trusted))
    assert refused is None, refused
    return head


def refusal(raw: bytes, limits: Limits = LIMITS) -> str | None:
    return _split(events([raw], limits))[1]


def outline(pieces: list[bytes]) -> list[object]:
    """With two faults in one request, which is told first depends on what has arrived."""
    found = events(pieces, LIMITS)
    return ["refused" if isinstance(event, str) else event for event in found]


def _split(found: Sequence[object]) -> tuple[list[Head], str | None]:
    heads = [event for event in found if isinstance(event, Head)]
    return heads, next((event for event in found if isinstance(event, str)), None)


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.name)
def test_a_request_is_read_alike_wherever_it_is_cut(case: Case) -> None:
    whole = events([case.raw], LIMITS)
    for at in range(1, len(case.raw)):
        assert events([case.raw[:at], case.raw[at:]], LIMITS) == whole
    assert events([bytes([byte]) for byte in case.raw], LIMITS) == whole


@given(st.data())
def test_pipelined_requests_are_read_alike_however_they_are_cut(data: st.DataObject) -> None:
    some = st.lists(st.sampled_from(SHORT), min_size=1, max_size=4)
    raw = b"".join(case.raw for case in data.draw(some))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=12)))
    pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert outline(pieces) == outline([raw])


@given(st.binary(max_size=300), st.integers(0, 300))
def test_no_bytes_are_a_surprise(raw: bytes, at: int) -> None:
    assert outline([raw[:at], raw[at:]]) == outline([raw])


@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_no_change_of_a_good_request_is_a_surprise(at: int, change: bytes) -> None:
    good = chunked(b"5;a=b\r\nhello\r\n0\r\nX-T: a\r\n\r\n", "Accept: a", "Cookie: b=c") + get(
        "/x?y#z"
    )
    raw = good[:at] + change + good[at:]
    assert outline([raw[: at + 1], raw[at + 1 :]]) == outline([raw])


def test_p120_t66_a_request_line_may_have_4094_bytes() -> None:
    room = LIMITS.line - len(b"GET / HTTP/1.1")
    assert read(get("/" + "a" * room)).path == b"/" + b"a" * room
    assert refusal(get("/" + "a" * (room + 1))) == Reason.LONG_LINE


def test_b023_a_line_that_does_not_end_is_refused_before_it_does() -> None:
    with pytest.raises(Refused) as caught:
        Scanner(LIMITS).feed(b"GET /" + b"a" * LIMITS.line)
    assert caught.value.status == 414


def test_p120_b034_a_field_may_have_8190_bytes_with_its_line_end() -> None:
    room = LIMITS.field - len(b"X-A: \r\n")
    assert read(get("/", "X-A: " + "b" * room)).fields[1] == (b"x-a", b"b" * room)
    assert refusal(get("/", "X-A: " + "b" * (room + 1))) == Reason.LONG_FIELD


def test_b034_a_request_may_have_100_fields() -> None:
    many = [f"X-{number}: b" for number in range(99)]
    assert len(read(get("/", *many)).fields) == 100
    assert refusal(get("/", *many, "X-Too: b")) == Reason.MANY_FIELDS


def test_b034_limits_are_settings() -> None:
    limits = Limits(line=300, field=300, fields=2)
    assert refusal(get("/" + "a" * 300), limits) == Reason.LONG_LINE
    assert refusal(get("/", "X-A: " + "b" * 300), limits) == Reason.LONG_FIELD
    assert refusal(get("/", "X-A: b", "X-B: b"), limits) == Reason.MANY_FIELDS


def test_b034_a_head_of_a_megabyte_is_refused_while_it_arrives() -> None:
    scanner = Scanner(LIMITS)
    scanner.feed(b"GET / HTTP/1.1\r\n")
    fed = 0
    with pytest.raises(Refused) as caught:  # noqa: PT012 (which piece it is, nobody promises)
        while fed < 1 << 20:
            fed += 1024
            scanner.feed(b"X-A: " + b"b" * 1017 + b"\r\n")
    assert caught.value.status == 431


def test_b035_values_are_kept_as_bytes_and_repeated_fields_in_their_order() -> None:
    fields = read(get("/", "Cookie: a=1", "Cookie: a=2", "X-A: \xe9\xff", "X-B:")).fields
    assert fields == [
        (b"host", b"x"), (b"cookie", b"a=1"), (b"cookie", b"a=2"), (b"x-a", b"\xe9\xff"), (b"x-b", b""),
    ]  # fmt: skip


def test_an_underscored_content_length_frames_nothing() -> None:
    assert read(get("/", "Content_Length: 5")).length == 0


def test_p021_the_path_of_an_absolute_form_counts_and_not_its_authority() -> None:
    head = read(get("http://other.example:81/a?b=c"))
    assert (head.path, head.query) == (b"/a", b"b=c")
    assert (b"host", b"x") in head.fields


def test_p064_a_fragment_is_cut_off() -> None:
    assert read(get("/q?a=1#f"))[1:3] == (b"/q", b"a=1")
    assert read(get("/q#f?a=1"))[1:3] == (b"/q", b"")


@pytest.mark.parametrize(
    "path", ["//x", "/a//b", "/./", "/../", "/%2e%2e", "/a;b", "/\\", "/%2F%00"]
)
def test_b020_b021_paths_are_passed_as_they_are(path: str) -> None:
    assert read(get(path)).path == path.encode()


@pytest.mark.parametrize("target", ["@evil", "x:80", "*", "a/b", "?a", "#a", "http:/a", "//", ":"])
def test_b110_b022_a_target_that_is_no_path_is_refused(target: str) -> None:
    expected = None if target == "//" else Reason.TARGET
    assert refusal(get(target)) == expected


def test_b022_options_star_is_passed() -> None:
    assert read(get("*", method="OPTIONS")).path == b"*"


def test_b022_connect_is_never_served() -> None:
    assert refusal(get("x:80", method="CONNECT")) == Reason.CONNECT
    assert refusal(get("/", method="CONNECT")) == Reason.CONNECT


@pytest.mark.parametrize("sign", [",", "@", "/", "?", "#"])
def test_b110_a_host_that_poisons_a_url_is_refused(sign: str) -> None:
    assert refusal(f"GET / HTTP/1.1\r\nHost: a{sign}b\r\n\r\n".encode()) == Reason.HOST


def test_b026_host_may_be_missing_but_not_doubled() -> None:
    assert read(b"GET / HTTP/1.1\r\n\r\n").fields == []
    assert refusal(get("/", "Host: x")) == Reason.HOST


def test_b026_content_type_is_not_doubled_either() -> None:
    assert refusal(get("/", "Content-Type: a/b", "Content-Type: a/b")) == Reason.FIELD


@pytest.mark.parametrize("method", ["get", "AB", "A" * 21, "GE#T", "Get"])
def test_b024_methods_are_judged_as_by_gunicorn(method: str) -> None:
    assert refusal(get(method=method)) == Reason.METHOD


@pytest.mark.parametrize("method", ["FOO", "TRACE", "A" * 20, "M-SEARCH"])
def test_b024_p124_methods_that_nobody_knows_are_the_apps_to_answer(method: str) -> None:
    assert read(get(method=method)).method == method.encode()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (("Content-Length: 5", "Transfer-Encoding: chunked"), Reason.FRAMING),
        (("Content-Length: 5", "Content-Length: 5"), Reason.FRAMING),
        (("Content-Length: 5", "Content-Length: 6"), Reason.FRAMING),
        (("Content-Length: +5",), Reason.FRAMING),
        (("Content-Length: -1",), Reason.FRAMING),
        (("Content-Length: 0x5",), Reason.FRAMING),
        (("Content-Length: 5_0",), Reason.FRAMING),
        (("Content-Length: 5, 6",), Reason.FRAMING),
        (("Content-Length:",), Reason.FRAMING),
        (("Content-Length: 99999999999999999999",), Reason.FRAMING),
        (("Transfer-Encoding: identity",), Reason.FRAMING),
        (("Transfer-Encoding: chunked, chunked",), Reason.FRAMING),
        (("Transfer-Encoding: gzip, chunked",), Reason.CODING),
        (("Transfer-Encoding: gzip",), Reason.FRAMING),
        (("Transfer-Encoding: chunked, gzip",), Reason.FRAMING),
        (("Transfer-Encoding: xchunked",), Reason.CODING),
        (("Transfer-Encoding:",), Reason.CODING),
    ],
)  # fmt: skip
def test_b001_b002_b003_b004_b005_p121_two_framings_or_none_that_is_known(
    fields: tuple[str, ...], reason: Reason
) -> None:
    assert refusal(post(b"", *fields)) == reason


@pytest.mark.parametrize(
    "line",
    ["X-A : b", "X-A", ": b", "X-A: b\r\n folded", "X-A: b\nX-B: c", "X-A: b\0c", "X-A: b\rc"],
)
def test_b009_a_line_that_is_no_field_is_refused(line: str) -> None:
    assert refusal(get("/", line)) == Reason.FIELD


def test_a_length_that_is_framed_well_is_read() -> None:
    assert read(post(b"hello", "Content-Length: 5")).length == 5
    assert read(chunked(b"0\r\n\r\n")).length == CHUNKED
    assert read(get()).length == 0


def test_p119_b013_an_unknown_expectation_is_417() -> None:
    assert refusal(get("/", "Expect: wonders")) == Reason.EXPECTATION
    assert STATUS[Reason.EXPECTATION] == 417


def test_b013_http_1_0_expects_nothing() -> None:
    assert read(get("/", "Expect: 100-continue")).expects_continue
    assert not read(get("/", "Expect: 100-continue", version="1.0")).expects_continue


@pytest.mark.parametrize(
    ("fields", "stays"),
    [((), True), (("Connection: close",), False), (("Connection: X-A, Close",), False),
     (("Connection: close", "Connection: keep-alive"), False)],
)  # fmt: skip
def test_a_connection_stays_unless_somebody_says_close(
    fields: tuple[str, ...], stays: bool
) -> None:
    assert read(get("/", *fields)).keep_alive is stays


def test_b011_a_connection_of_http_1_0_stays_only_on_request() -> None:
    assert not read(get(version="1.0")).keep_alive
    assert read(get("/", "Connection: Keep-Alive", version="1.0")).keep_alive


@pytest.mark.parametrize(
    ("fields", "scheme"),
    [((), None), (("X-Forwarded-Proto: https",), "https"), (("X-Forwarded-Proto: http",), "http"),
     (("X-Forwarded-Ssl: on",), "https"), (("X-Forwarded-Protocol: ssl",), "https"),
     (("X-Forwarded-Proto: HTTPS",), "http")],
)  # fmt: skip
def test_a_trusted_proxy_names_the_scheme(fields: tuple[str, ...], scheme: str | None) -> None:
    assert read(get("/", *fields)).scheme == scheme
    assert read(get("/", *fields), trusted=False).scheme is None


def test_a_proxy_that_contradicts_itself_is_refused() -> None:
    assert refusal(get("/", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: off")) == Reason.SCHEME


def test_proxies_are_trusted_by_network() -> None:
    networks = (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert is_trusted("10.1.2.3", networks)
    assert is_trusted(None, networks)
    assert not is_trusted("11.1.2.3", networks)
    assert not is_trusted("nonsense", networks)


def test_what_is_refused_is_not_told_back() -> None:
    with pytest.raises(Refused) as caught:
        read_head(b"GET /<script> HTTP/1.1\r\nX-A: <script>\0", LIMITS, trusted=False)
    assert b"script" not in caught.value.body

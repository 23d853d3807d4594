"""Who hears of what the judge does: the webhook is signed and told at least once, by the leader, in order."""

import base64
import hashlib
import hmac
import json
import logging
import re
from functools import partial
from pathlib import Path
from time import time
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.judge import channels
from gateway.judge.channels import signature
from gateway.judge.notifier import RETRIES, Notifier
from gateway.store.errors import StoreUnavailable
from gateway.store.notices import Notice
from gateway.store.opening import open_store
from tests.judge import receiving
from tests.judge.receiving import KEY, ROUTE, SECRET, TOLD, Desk, Receiver, until

receiver, desk = receiving.receiver, receiving.desk


async def test_the_webhook_gets_what_happened(desk: Desk, receiver: Receiver) -> None:
    desk.told("rollback")
    await desk.notifier().step()
    (got,) = receiver.got
    at = desk.row().at
    assert got.path == "/hear?token=hidden-in-the-url"
    assert got.headers["content-type"] == "application/json"
    assert got.told == {
        "id": got.headers["webhook-id"],
        "type": "banyan.rollback",
        "at": at,
        "route": ROUTE,
        "data": TOLD,
    }
    assert (desk.row().due, desk.row().attempts, desk.row().outcome) == (
        None,
        1,
        '{"webhook": "ok"}',
    )


async def test_a_receiver_can_know_the_sender_by_the_standard(
    desk: Desk, receiver: Receiver
) -> None:
    """Standard Webhooks 1.0: base64 of HMAC-SHA256 over `id.timestamp.body`, `v1,` before it."""
    desk.told()
    before = int(time())
    await desk.notifier().step()
    (got,) = receiver.got
    when = got.headers["webhook-timestamp"]
    assert before <= int(when) <= time()
    signed = got.headers["webhook-id"].encode() + b"." + when.encode() + b"." + got.body
    digest = hmac.new(KEY, signed, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_the_signature_is_that_of_the_example_of_the_standard() -> None:
    """From the specification's own text, worked out by its reference libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", body, 1614265330)
    assert found == {
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


async def test_a_secret_that_is_no_base64_is_taken_as_it_is(desk: Desk, receiver: Receiver) -> None:
    desk.told()
    await desk.notifier(webhook_secret="a plain text that is long enough").step()
    (got,) = receiver.got
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    digest = hmac.new(b"a plain text that is long enough", signed, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


async def test_without_a_secret_there_is_no_signature(desk: Desk, receiver: Receiver) -> None:
    desk.told()
    await desk.notifier(webhook_secret=None).step()
    (got,) = receiver.got
    assert "webhook-signature" not in got.headers
    assert got.headers["webhook-id"] == got.told["id"]


async def test_name_and_password_of_the_url_are_sent_as_a_client_does(
    desk: Desk, receiver: Receiver
) -> None:
    desk.told()
    url = desk.url.replace("http://", "http://ann:p%40ss@")
    await desk.notifier(webhook=url).step()
    assert receiver.got[0].headers["authorization"] == (
        "Basic " + base64.b64encode(b"ann:p@ss").decode()
    )


async def test_half_of_a_letter_does_not_keep_the_others_waiting(
    desk: Desk, receiver: Receiver
) -> None:
    desk.store.notices.add("verdict", ROUTE, {"reason": "\ud800"})
    desk.told("ramp")
    await desk.notifier().step()
    assert [one.told["type"] for one in receiver.got] == ["banyan.verdict", "banyan.ramp"]


async def test_the_id_of_a_notice_is_its_own_in_every_store(
    desk: Desk, receiver: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    other = open_store(f"sqlite:///{tmp_path}/b/banyan.db")
    for store in (desk.store, other):
        store.notices.add("ramp", ROUTE, {})
    await desk.notifier().step()
    await Desk(other, tmp_path / "b", desk.url).notifier().step()
    other.close()
    first, second = (one.headers["webhook-id"] for one in receiver.got)
    assert first != second
    assert re.fullmatch(r"banyan_\d{13}_1", first)


# Tried again


@pytest.mark.parametrize("status", [500, 404, 429, 307, 199 + 101])
async def test_what_is_not_taken_is_tried_again_by_the_schedule_and_then_given_up(
    desk: Desk, receiver: Receiver, status: int
) -> None:
    receiver.statuses = [status]
    desk.told()
    notifier, waits = desk.notifier(), []
    with capture_logs() as told:
        for _ in range(len(RETRIES) + 2):
            before = desk.store.evidence.now()
            await notifier.step()
            row = desk.row()
            waits.append(None if row.due is None else round(row.due - before))
            desk.wait_is_over()
    assert waits == [*map(round, RETRIES), None, None]
    assert len(receiver.got) == len(RETRIES) + 1 == desk.row().attempts
    assert desk.row().outcome == json.dumps({"webhook": f"status {status}"})
    assert [one["given_up"] for one in told] == [*[False] * len(RETRIES), True]
    ids = {one.headers["webhook-id"] for one in receiver.got}
    assert len(ids) == 1
    assert {one.path for one in receiver.got} == {"/hear?token=hidden-in-the-url"}


async def test_before_its_time_nothing_is_tried_again(desk: Desk, receiver: Receiver) -> None:
    receiver.statuses = [500]
    desk.told()
    notifier = desk.notifier()
    await notifier.step()
    await notifier.step()
    assert len(receiver.got) == 1


async def test_what_is_taken_at_last_is_not_told_again(desk: Desk, receiver: Receiver) -> None:
    receiver.statuses = [500, 200]
    desk.told()
    notifier = desk.notifier()
    for _ in range(4):
        await notifier.step()
        desk.wait_is_over()
    assert len(receiver.got) == 2
    assert (desk.row().due, desk.row().attempts) == (None, 2)


async def test_each_try_is_signed_with_its_own_time(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.statuses = [500]
    desk.told()
    for moment in (1000.9, 2000.1):
        monkeypatch.setattr(channels, "time", lambda moment=moment: moment)
        await desk.notifier().step()
        desk.wait_is_over()
    assert [one.headers["webhook-timestamp"] for one in receiver.got] == ["1000", "2000"]


async def test_nobody_there_is_tried_again(desk: Desk) -> None:
    desk.told()
    await desk.notifier(webhook="http://127.0.0.1:1/x").step()
    assert desk.row().outcome == '{"webhook": "ConnectError"}'
    assert desk.row().due is not None


async def test_an_answer_that_does_not_come_is_waited_for_so_long_and_no_longer(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_ANSWER", 0.2)
    receiver.statuses = [0]
    desk.told("rollback", "ramp")
    with anyio.fail_after(5):
        await desk.notifier().step()
    assert [one.outcome for one in desk.rows()] == ['{"webhook": "no answer after 0.2 s"}'] * 2
    assert len(receiver.got) == 2


async def test_an_answer_that_drips_is_given_up_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte is in time by itself: the whole answer has one time."""
    monkeypatch.setattr(channels, "_ANSWER", 0.3)
    desk.told()

    async def drip(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            with anyio.move_on_after(5):
                await stream.receive()
                for letter in "HTTP/1.1 200 OK\r\n" + "x: y\r\n" * 99:
                    await stream.send(letter.encode())
                    await anyio.sleep(0.05)  # that is the subject

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(partial(listener.serve, drip))
        with anyio.fail_after(5):
            await desk.notifier(webhook=f"http://127.0.0.1:{port}/").step()
        tasks.cancel_scope.cancel()
    assert desk.row().outcome == '{"webhook": "no answer after 0.3 s"}'


async def test_the_body_of_an_answer_is_not_read(desk: Desk, receiver: Receiver) -> None:
    receiver.answered = b"x" * 30_000_000
    desk.told()
    with anyio.fail_after(5):
        await desk.notifier().step()
    assert desk.row().outcome == '{"webhook": "ok"}'


async def test_a_step_that_was_killed_after_it_has_told_tells_it_again(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: what came of it is written down afterwards."""
    desk.told()

    def away(*_: object) -> None:
        raise StoreUnavailable("the store is away")

    with monkeypatch.context() as patched:
        patched.setattr(type(desk.store.notices), "tried", away)
        with pytest.raises(StoreUnavailable):
            await desk.notifier().step()
    await desk.notifier().step()
    assert len({one.headers["webhook-id"] for one in receiver.got}) == 1 < len(receiver.got)


# In order, and by the leader


async def test_what_happened_first_is_told_first(desk: Desk, receiver: Receiver) -> None:
    desk.told("rollback", "verdict", "breaker", "ramp")
    await desk.notifier().step()
    assert [one.told["type"] for one in receiver.got] == [
        "banyan.rollback",
        "banyan.verdict",
        "banyan.breaker",
        "banyan.ramp",
    ]


async def test_one_that_has_to_wait_does_not_hold_up_the_others(
    desk: Desk, receiver: Receiver
) -> None:
    receiver.statuses = [500, 200]
    desk.told("rollback", "ramp")
    notifier = desk.notifier()
    await notifier.step()
    assert [one.due is None for one in desk.rows()] == [False, True]


async def test_who_does_not_lead_tells_nothing(desk: Desk, receiver: Receiver) -> None:
    desk.told()
    desk.leads = False
    await desk.notifier().step()
    assert (receiver.got, desk.row().attempts) == ([], 0)


async def test_who_leads_no_more_leaves_the_rest_to_the_next(
    desk: Desk, receiver: Receiver
) -> None:
    desk.told("rollback", "ramp")
    notifier = Notifier(desk.store.notices, desk.notifier().settings, lambda: not receiver.got)
    await notifier.step()
    assert [one.attempts for one in desk.rows()] == [1, 0]


async def test_where_nobody_wants_to_hear_notices_do_not_pile_up(desk: Desk) -> None:
    desk.told("rollback", "ramp")
    await desk.notifier(webhook=None).step()
    assert [one.due for one in desk.rows()] == [None, None]


async def test_it_goes_on_after_the_store_was_away(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.judge.notifier.INTERVAL", 0.01)
    desk.told()
    failures: list[BaseException] = [StoreUnavailable("away"), RuntimeError("a bug")]
    real = type(desk.store.notices).due

    def due(notices: Any) -> list[Notice]:
        if failures:
            raise failures.pop(0)
        return real(notices)

    monkeypatch.setattr(type(desk.store.notices), "due", due)
    with capture_logs() as told:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(desk.notifier().run)
            await until(lambda: desk.row().due is None)
            tasks.cancel_scope.cancel()
    assert [(one["error"], one["exc_info"] is None) for one in told] == [
        ("away", True),
        ("a bug", False),
    ]
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [200, 500, 0])
async def test_no_log_and_no_store_has_the_url_or_the_secret(
    desk: Desk,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    """Not even where an app of this process logs everything."""
    monkeypatch.setattr(channels, "_ANSWER", 0.3)
    receiver.statuses = [status]
    desk.told()
    with caplog.at_level(logging.DEBUG), capture_logs() as told:
        await desk.notifier().step()
        await desk.notifier(webhook="http://127.0.0.1:1/hidden-in-the-url").step()
    everything = caplog.text + json.dumps(told, default=str)
    for file in desk.folder.rglob("banyan.db*"):
        everything += file.read_bytes().decode("latin-1")
    for hidden in ("hidden-in-the-url", SECRET, SECRET.removeprefix("whsec_")):
        assert hidden not in everything
    assert len(told) == (0 if status == 200 else 1)


@pytest.mark.parametrize("url", ["http://no.example.invalid:99/x?hidden", "http://[::1]:1/hidden"])
async def test_what_came_of_it_never_says_the_url(desk: Desk, url: str) -> None:
    desk.told()
    await desk.notifier(webhook=url).step()
    assert re.fullmatch(r'\{"webhook": "[A-Za-z]+"\}', desk.row().outcome)


async def test_a_proxy_is_asked_where_the_environment_names_one(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", desk.url)
    monkeypatch.setenv("no_proxy", "other.example")
    desk.told()
    await desk.notifier(webhook="http://hooks.example/x").step()
    assert receiver.got[0].path == "http://hooks.example/x"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    desk.told()
    await desk.notifier().step()
    assert receiver.got[1].path.startswith("/hear")

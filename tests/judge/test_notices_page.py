"""What docs/control-plane.md tells receivers is so: the document, the headers, the lines that verify them."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from gateway.judge.breaker import Change, State
from gateway.observe.evidence import Evidence
from gateway.store.versions import Proposal
from gateway.witness import Witness
from tests.e2e.processes import ROOT
from tests.judge import receiving
from tests.judge.judging import PERSON, A, Bench, plan
from tests.judge.receiving import SECRET, Desk, Got, Receiver

receiver, desk = receiving.receiver, receiving.desk
PAGE = (ROOT / "docs/control-plane.md").read_text()


@pytest.fixture
def is_ours() -> Callable[[str, dict[str, str], bytes], bool]:
    """The page's own."""
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)  # the lines of the page are what is tested
    verify: Callable[[str, dict[str, str], bytes], bool] = found["is_ours"]
    return verify


def documented(kind: str) -> set[str]:
    """The fields of `data` that the page names; what it says they may hold stands behind a colon."""
    (row,) = re.findall(rf"^\| `banyan\.{kind}` \| (.*) \|$", PAGE, re.MULTILINE)
    named = re.sub(r": `[^;]*", "", row)  # without what a field may hold
    return set(re.findall(r"`([a-z]+)`", named))


async def got(desk: Desk, receiver: Receiver) -> Got:
    desk.told()
    await desk.notifier().step()
    return receiver.got[-1]


async def test_the_lines_of_the_page_know_the_sender(
    desk: Desk, receiver: Receiver, is_ours: Callable[..., bool]
) -> None:
    one = await got(desk, receiver)
    assert is_ours(SECRET, one.headers, one.body)
    rotated = {**one.headers, "webhook-signature": f"v1,x {one.headers['webhook-signature']} v2,ü"}
    assert is_ours(SECRET, rotated, one.body)


async def test_the_lines_of_the_page_refuse_what_is_another_or_old(
    desk: Desk, receiver: Receiver, is_ours: Callable[..., bool]
) -> None:
    one = await got(desk, receiver)
    assert not is_ours("whsec_" + "A" * 24, one.headers, one.body)
    assert not is_ours(SECRET, one.headers, one.body + b" ")
    assert not is_ours(SECRET, {**one.headers, "webhook-id": "banyan_1_1"}, one.body)
    when = int(one.headers["webhook-timestamp"]) - 301
    assert not is_ours(SECRET, {**one.headers, "webhook-timestamp": f"{when}"}, one.body)


async def test_the_document_has_the_fields_of_the_page(desk: Desk, receiver: Receiver) -> None:
    sample = re.search(r'^    \{"id":"banyan_(.*\n.*)', PAGE, re.MULTILINE)
    assert sample is not None
    outer = re.findall(r'"([a-z]+)":', sample[0].partition('"data"')[0])
    one = await got(desk, receiver)
    assert [*one.told] == [*outer, "data"]


def told(bench: Bench, kind: str) -> set[str]:
    return set(bench.notices(kind)[-1].document)


def test_a_rollback_and_a_verdict_tell_what_the_page_says(bench: Bench) -> None:
    bench.planned({A: 25})
    bench.fails()
    bench.looks()
    assert told(bench, "rollback") == documented("rollback")
    assert told(bench, "verdict") == documented("verdict")


def test_a_step_and_the_end_of_a_ramp_tell_what_the_page_says(bench: Bench) -> None:
    bench.planned({A: 1})
    bench.ramps(minimum=1, hold=1.0, steps=(1000, 2000))
    bench.is_well(A, 400)
    bench.looks(3)
    assert set(bench.notices("ramp")[0].document) == documented("ramp")
    moved = Proposal(plan({A: 5}), PERSON)
    bench.store.versions.apply(bench.store.versions.newest(), moved)
    bench.looks()
    assert told(bench, "ramp") == documented("ramp") - {"version"}


async def test_a_breaker_tells_what_the_page_says(desk: Desk) -> None:
    witness = Witness(Evidence(lambda: 0.0), desk.store)
    witness.breaker_turned(A, Change(State.CLOSED, State.OPEN, "5 errors in a row"))
    await witness.tell()
    (notice,) = desk.store.notices.due()
    assert set(notice.document) == documented("breaker")
    assert notice.document["state"] in {"open", "half-open", "closed"}

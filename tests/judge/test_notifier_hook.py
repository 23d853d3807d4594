"""Who hears of what the judge does: the command gets it on standard input, and no shell reads its words."""

import json
import re
from pathlib import Path

import anyio
import pytest

from gateway.judge import channels
from tests.judge import receiving
from tests.judge.receiving import KEEP, ROUTE, Desk, Receiver, command, kept, until

receiver, desk = receiving.receiver, receiving.desk
LASTING = """
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("made", "w").write(f"{os.getpid()} {child.pid}")
os.rename("made", "pids")
time.sleep(60)
"""


async def test_the_command_gets_the_same_on_its_standard_input(
    desk: Desk, receiver: Receiver, tmp_path: Path
) -> None:
    desk.told()
    await desk.notifier(hook=command(tmp_path, KEEP)).step()
    assert kept(tmp_path) == [receiver.got[0].told]
    assert desk.row().outcome == '{"webhook": "ok", "hook": "ok"}'


async def test_no_shell_reads_the_command(desk: Desk, tmp_path: Path) -> None:
    hook = command(
        tmp_path,
        "json.dump(sys.argv[1:], open('got', 'w'))",
        "a b",
        ";",
        "touch",
        "x",
        "$(id)",
        "*",
    )
    desk.told()
    await desk.notifier(webhook=None, hook=hook).step()
    assert kept(tmp_path) == [["a b", ";", "touch", "x", "$(id)", "*"]]
    assert not (tmp_path / "x").exists()


async def test_a_command_that_fails_is_tried_again_and_its_code_is_told(
    desk: Desk, tmp_path: Path
) -> None:
    hook = command(tmp_path, f"{KEEP}\nsys.exit(3 if not os.path.exists('well') else 0)")
    desk.told()
    notifier = desk.notifier(webhook=None, hook=hook)
    await notifier.step()
    assert desk.row().outcome == '{"hook": "exit code 3"}'
    (tmp_path / "well").touch()
    desk.wait_is_over()
    await notifier.step()
    assert (desk.row().due, desk.row().outcome, len(kept(tmp_path))) == (None, '{"hook": "ok"}', 2)


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("/nowhere/notify --now", "FileNotFoundError: [Errno 2] No such file or directory"),
        ("''", "PermissionError|FileNotFoundError"),
        ("'a\x00b'", "ValueError: embedded null byte"),
    ],
)
async def test_a_command_that_cannot_be_run_is_told(desk: Desk, hook: str, said: str) -> None:
    desk.told()
    await desk.notifier(webhook=None, hook=hook).step()
    outcome = json.loads(desk.row().outcome)["hook"]
    assert re.match("|".join(re.escape(one) for one in said.split("|")), outcome)
    assert desk.row().due is not None


async def test_a_command_that_reads_nothing_is_well_all_the_same(
    desk: Desk, tmp_path: Path
) -> None:
    desk.store.notices.add("ramp", ROUTE, {"reason": "x" * 1_000_000})
    await desk.notifier(webhook=None, hook=command(tmp_path, "")).step()
    assert desk.row().outcome == '{"hook": "ok"}'


async def test_a_command_that_takes_too_long_is_ended_with_what_it_has_started(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_COMMAND", 1.5)
    desk.told()
    with anyio.fail_after(15):
        await desk.notifier(webhook=None, hook=command(tmp_path, LASTING)).step()
        assert desk.row().outcome == '{"hook": "not over after 1.5 s"}'
        await until(lambda: not any(map(_lives, _pids(tmp_path))))


async def test_a_control_plane_that_stops_does_not_wait_for_a_command(
    desk: Desk, tmp_path: Path
) -> None:
    desk.told()
    notifier = desk.notifier(webhook=None, hook=command(tmp_path, LASTING))
    with anyio.fail_after(15):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(notifier.step)
            await until((tmp_path / "pids").exists)
            tasks.cancel_scope.cancel()
        await until(lambda: not any(map(_lives, _pids(tmp_path))))
    assert desk.row().attempts == 0  # it is told again


async def test_who_has_taken_it_is_not_told_again_when_the_other_fails(
    desk: Desk, receiver: Receiver, tmp_path: Path
) -> None:
    hook = command(tmp_path, f"{KEEP}\nsys.exit(1)")
    desk.told()
    notifier = desk.notifier(hook=hook)
    for _ in range(3):
        await notifier.step()
        desk.wait_is_over()
    assert (len(receiver.got), len(kept(tmp_path))) == (1, 3)
    assert desk.row().outcome == '{"webhook": "ok", "hook": "exit code 1"}'


async def test_likewise_the_command_when_the_webhook_fails(
    desk: Desk, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.statuses = [503]
    desk.told()
    notifier = desk.notifier(hook=command(tmp_path, KEEP))
    for _ in range(3):
        await notifier.step()
        desk.wait_is_over()
    assert (len(receiver.got), len(kept(tmp_path))) == (3, 1)


def _pids(folder: Path) -> list[int]:
    return [int(one) for one in (folder / "pids").read_text().split()]


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"

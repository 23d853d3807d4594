"""Flask-Login under strong protection, its user moved between the stacks by a gateway."""

from functools import partial
from pathlib import Path

from gateway.kit.session import Protection
from tests.drive import AsgiTarget
from tests.kit.session.logins import Browser, fastapi_app, flask_app
from tests.stacks import gateway

PLAN = """\
phase: gradual
defaults: {modern: 50, cohort: a, unit: ["header:x-request"], failover: never}
"""
LAPTOP = {"User_Agent": "Firefox/1", "X_Forwarded_For": "9.9.9.9, 10.0.0.1"}


async def test_p088_a_user_stays_logged_in_through_the_gateway_whichever_stack_answers(
    tmp_path: Path,
) -> None:
    legacy = partial(flask_app, "strong", {})
    modern = partial(fastapi_app, Protection.STRONG)
    async with gateway(tmp_path, PLAN, legacy, modern) as app:
        target, browser = AsgiTarget(app), Browser()
        await browser.get(target, "/login/1", X_Request="0", **LAPTOP)
        seen = [
            await browser.get(target, "/who", X_Request=str(number), **LAPTOP)
            for number in range(1, 20)
        ]
        stolen = [
            await Browser(dict(browser.cookies)).get(target, "/who", X_Request=str(number))
            for number in range(1, 20)
        ]
    assert (
        {one["stack"] for one in seen} == {one["stack"] for one in stolen} == {"legacy", "modern"}
    )
    assert [one["json"] for one in seen] == [["1", True]] * len(seen)
    assert [one["json"] for one in stolen] == [[None, False]] * len(stolen)

"""A short soak; `python -m tests.campaigns.soak` is the long one."""

import asyncio
from pathlib import Path

import pytest

from tests.campaigns.soak import prepare, sample, soak
from tests.e2e.processes import banyan, wait
from tests.e2e.validated import validated

pytestmark = pytest.mark.e2e


def test_b095_everything_at_once_leaves_nothing_behind_and_answers_everybody(
    tmp_path: Path,
) -> None:
    environ = validated(prepare(tmp_path))
    with banyan(tmp_path, "serve", **environ) as running:
        pid, plan = running.process.pid, tmp_path / "traffic.yaml"
        asyncio.run(soak(running, plan, 3))  # everything is loaded, every thread started
        memory, threads, descriptors = sample(pid)
        seen = asyncio.run(soak(running, plan, 10))
        assert seen.wrong == []
        assert seen.answers.total() > 200
        wait(lambda: sample(pid)[2] <= descriptors)
        # 40 threads of the pool and 40 of Starlette's may be started meanwhile, and no more.
        assert sample(pid)[1] <= max(threads, 90)
        assert sample(pid)[0] < memory + 32

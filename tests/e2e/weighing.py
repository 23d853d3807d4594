"""What the judge should have found, worked out from the access logs of all workers."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from gateway.judge.evidence import Segment, Verdict, worse

Seen = dict[str, Any]
_REASON = re.compile(
    r"error: modern (\d+) events in (\d+) requests; legacy (\d+) events in (\d+) requests; E = (\S+) >= (\d+)"
)


def ended(one: Seen) -> float:
    """When an exchange was over, in seconds since 1970."""
    return float(one["at"]) + float(one["ms"]) / 1000


def failed(one: Seen) -> bool:
    """The stack that was decided for has failed, whatever the client got."""
    return bool(one.get("failed")) or one["status"] >= 500


def counted(exchanges: Sequence[Seen], split: float) -> Segment:
    """What the split has decided and what came of it, where no client came twice."""
    counts = Counter((one["stack"], failed(one)) for one in exchanges if one["reason"] == "split")
    return Segment(
        split,
        counts["legacy", True] + counts["legacy", False],
        counts["modern", True] + counts["modern", False],
        counts["legacy", True],
        counts["modern", True],
    )


def decided_at(exchanges: Sequence[Seen], split: float, needed: float) -> float:
    """When the exchange was over with which there was the evidence `needed` to call modern worse."""
    known = sorted(exchanges, key=ended)
    for count, one in enumerate(known, 1):
        if failed(one) and _enough(counted(known[:count], split), needed):
            return ended(one)
    raise AssertionError("there never was enough evidence")


def said(reason: str, split: float) -> tuple[Segment, float, float]:
    """What a rollback's reason counts, its E, and what was needed."""
    found = _REASON.search(reason)
    assert found is not None, reason
    *numbers, evidence, needed = found.groups()
    modern_events, modern, legacy_events, legacy = map(int, numbers)
    return (
        Segment(split, legacy, modern, legacy_events, modern_events),
        float(evidence),
        float(needed),
    )


def _enough(segment: Segment, needed: float) -> bool:
    return worse([segment], 1 / needed).verdict is Verdict.WORSE

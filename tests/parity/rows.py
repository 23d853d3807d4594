"""Where each row is shown: by probes, or by tests of its own where no single answer shows it."""

from typing import Final

from tests.differential.probes.probe import Probe
from tests.parity import probes

ROWS: Final = tuple(f"P{number:03}" for number in range(1, 143))

# Probes of other rows that show these as well.
SHARED: Final = {
    "P075": ("P074-cookies-written",),
    "P078": ("P074-cookies-written",),
}

# Rows about the bridge whose tests are named after a trap, and those that no port answers.
ELSEWHERE: Final[dict[str, tuple[str, ...]]] = {
    "P088": ("test_b015_every_target_answers_as_gunicorn_does",),
    "P110": ("test_t06_an_iterable_is_closed_when_the_client_leaves",),
    "P111": ("test_t04_a_full_pool_answers_503_after_a_bounded_wait",),
    "P130": ("test_t04_a_full_pool_answers_503_after_a_bounded_wait",),
    "P132": ("test_t09_a_raw_byte_in_the_query_arrives",),
    "P133": ("test_t10_nothing_is_mounted_under_a_prefix",),
    "P135": ("test_t06_an_iterable_is_closed_when_the_client_leaves",),
    "P136": ("test_b015_every_target_answers_as_gunicorn_does",),
    "P137": (
        "test_t13_a_header_with_an_underscore_reaches_no_stack",
        "test_t14_cookie_lines_of_http_2_are_one_header",
    ),
    "P138": ("test_t16_a_status_without_a_reason_is_a_status",),
    "P139": ("test_t03_a_body_can_be_read_line_by_line",),
    "P140": ("test_t05_stalled_uploads_hold_no_threads",),
    "P141": ("test_t15_errors_go_to_standard_error",),
    "P142": ("test_t17_a_fast_stream_is_joined_and_a_slow_one_arrives_part_by_part",),
}

_SERVER: Final = "uvicorn with httptools does here as gunicorn does"
_RULES: Final = "no difference by the rules of the comparison"

# Rows that the naive port does not show, under the server that it runs under here.
NOT_SHOWN: Final = {
    "P020": "equal",  # and so is P019, but for the page of a 404
    "P035": _RULES,
    "P064": _SERVER,
    "P082": "Starlette 1.10 sends Vary: Cookie, too",
    "P090": "without a bridge the two names stay apart",
    "P107": "neither app compresses: one compressor, at the edge, is for both",
    "P121": _SERVER,
    "P123": _SERVER,
    "P126": _SERVER,
    "P134": _SERVER,
}


def of(row: str) -> tuple[Probe, ...]:
    """The probes that show a row."""
    shared = SHARED.get(row, ())
    return tuple(one for one in probes.PROBES if one.row == row or one.id in shared)

"""The naive port of the twin: what `banyan parity` finds there, by row of the parity table."""

import pytest

from gateway.parity.model import Evidence
from gateway.parity.run import Wanted, run
from gateway.settings import Settings

pytestmark = pytest.mark.xdist_group("parity tool")

# Row, route, and the path and class of a difference that a client of Flask would notice.
FOUND = [
    ("P002", "GET /json", "header:content-type", "content-type"),
    ("P003", "GET /two", "header:allow", "header"),
    ("P004", "GET /slash/", "status:308-307", "status"),
    ("P005", "GET /noslash", "status:404-307", "status"),
    ("P006", "GET /json", "status:200-404", "status"),
    ("P007", "GET /items/{item_id:int}", "status:308-404", "status"),
    ("P008", "GET /items/{item_id:int}", "status:404-200", "status"),
    ("P009", "GET /items/{item_id:int}", "status:404-422", "status"),
    ("P010", "GET /items/{item_id:int}", "status:200-422", "status"),
    ("P011", "GET /fl/{x:float}", "status:404-500", "status"),
    ("P012", "GET /uu/{u:uuid}", "status:404-200", "status"),
    ("P014", "GET /json", "status:200-405", "status"),
    ("P018", "GET /page/{n:int}", "status:308-200", "status"),
    ("P050", "POST /jbody", "status:415-200", "status"),
    ("P057", "GET /q", "/a", "value"),
    ("P060", "GET /q", "/b", "type"),
    ("P063", "GET /q", "/al/*", "value"),
    ("P074", "GET /cookie", "cookie:a;samesite", "extra"),
    ("P078", "GET /cookie", "cookie:z", "value"),
    ("P079", "GET /rcookie", "/odd", "value"),
    ("P083", "GET /basic", "header:www-authenticate", "header"),
    ("P085", "GET /jwt", "/msg", "missing"),
    ("P086", "GET /jwt", "status:422-401", "status"),
    ("P092", "GET /redir", "status:302-307", "status"),
    ("P093", "GET /urlfor", "/p", "value"),
    ("P094", "GET /etag", "status:304-200", "status"),
    ("P096", "GET /sf", "header:cache-control", "missing"),
    ("P100", "GET /memory", "status:206-200", "status"),
    ("P103", "GET /cors/x", "header:access-control-allow-origin", "missing"),
    ("P108", "GET /boom", "header:x-after", "missing"),
]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Evidence]:
    settings = Settings(var=tmp_path_factory.mktemp("naive"), deadline=10)
    routes = sorted({route for _, route, _, _ in FOUND})
    fresh = {"TWIN": "{folder}"}  # neither app writes
    apps = "tests.differential.twin:app", "tests.parity.naive:app"
    return dict(run(Wanted(settings, *apps, routes, 40, fresh)).evidence)


@pytest.mark.parametrize(("row", "route", "path", "kind"), FOUND)
def test_what_a_naive_port_changes_is_found(
    row: str, route: str, path: str, kind: str, evidence: dict[str, Evidence]
) -> None:
    seen = evidence[route].seen
    found = {(one.path, str(one.kind)) for _, differences in seen for one in differences}
    assert (path, kind) in found, row

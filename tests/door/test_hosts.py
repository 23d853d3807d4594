"""Rules of hosts and subdomains: the front door finds the view that Flask finds."""

from typing import Any

import pytest
from flask import Flask

from gateway.door.hosts import domain_of
from gateway.door.url_map import front_door
from tests.door.oracle import table_of

HOSTS = [
    "a.example", "A.Example", "a.example:80", "a.example:8000", "www.b.example", "x.b.example", "b.example",
    "deep.x.b.example", "other.test", "",
]  # fmt: skip


def by_host() -> Flask:
    app = Flask(__name__, static_folder=None, host_matching=True)
    app.add_url_rule("/h", endpoint="a", view_func=lambda: "a", host="a.example")
    app.add_url_rule("/h", endpoint="port", view_func=lambda: "port", host="a.example:8000")
    app.add_url_rule("/h", endpoint="any", view_func=lambda sub: "any", host="<sub>.b.example")
    return app


def by_subdomain(**config: Any) -> Flask:
    app = Flask(__name__, static_folder=None, subdomain_matching=True)
    app.config.update(config)
    app.add_url_rule("/h", endpoint="main", view_func=lambda: "main")
    app.add_url_rule("/h", endpoint="www", view_func=lambda: "www", subdomain="www")
    app.add_url_rule("/h", endpoint="any", view_func=lambda sub: "any", subdomain="<sub>")
    return app


def subdomains_ignored() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/h", endpoint="main", view_func=lambda: "main")
    app.add_url_rule("/www", endpoint="www", view_func=lambda: "www", subdomain="www")
    return app


APPS = {
    "hosts": by_host,
    "subdomains": lambda: by_subdomain(SERVER_NAME="b.example"),
    "subdomains of no name": by_subdomain,
    "subdomains ignored": subdomains_ignored,
}


@pytest.mark.filterwarnings("ignore:Current server name")  # Werkzeug's, of a foreign host
@pytest.mark.parametrize("path", ["/h", "/www"])
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", APPS)
def test_p018_the_host_chooses_the_view_as_in_flask(name: str, host: str, path: str) -> None:
    app = APPS[name]()
    door = front_door(app)
    assert door is not None
    table = table_of(door)
    answer = app.test_client().get(path, headers={"Host": host})
    domain = domain_of(door, {b"host": host.encode()}, "http") if table.by_host else ""
    matched = table.match("GET", path, domain)
    assert (matched is not None) == (answer.status_code == 200)

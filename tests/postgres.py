"""A PostgreSQL server of our own for tests: made from the installed binaries, thrown away after.

A test folder that needs it imports the two fixtures into its conftest.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "60",
}


# As most servers sort: by language, not by code point
CREATE = "CREATE DATABASE {} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'"


@dataclass(frozen=True, slots=True)
class Server:
    """Answers on a unix socket in `folder`; who asks is believed."""

    binaries: Path
    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator[str]:
        """The URL of a new, empty database, gone at the end. Takes 0.3 s."""
        self.execute(CREATE.format(name))
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, *, database: str = "postgres") -> None:
        dsn = f"host={self.folder} user=postgres dbname={database} options='-c lock_timeout=10s'"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        options = " ".join(f"-c {name}={value or chr(39) * 2}" for name, value in SETTINGS.items())
        self._control("start", "-o", f"{options} -k {self.folder}", "-l", str(self.folder / "log"))

    def stop(self) -> None:
        self._control("stop", "-m", "fast")

    def restart(self) -> None:
        self.stop()
        self.start()

    def _control(self, command: str, *arguments: str) -> None:
        data = str(self.folder / "data")
        run(self.binaries / "pg_ctl", command, "-w", "-D", data, *arguments)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One server per test process, started by the first test that asks."""
    with run_server(installed()) as server, server.database("test"):
        yield server


def installed() -> Path:
    """The folder of the binaries; without any the test is skipped, and fails in CI."""
    binaries = find_binaries()
    if binaries is None:
        reason = "no PostgreSQL: no initdb on PATH or in /usr/lib/postgresql/*/bin"
        if "CI" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)
    return binaries


@pytest.fixture
def postgres_url(postgres_server: Server) -> str:
    """The URL of a database that is empty again."""
    postgres_server.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public", database="test")
    return postgres_server.url("test")


@contextlib.contextmanager
def run_server(binaries: Path) -> Iterator[Server]:
    """A running server in a new folder; stopped, and the folder deleted, at the end."""
    # Not pytest's tmp_path: a unix socket's path has at most 107 characters
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if (user := _unprivileged()) is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        run(
            binaries / "initdb",
            *("-D", str(folder / "data"), "-U", "postgres", "-A", "trust"),
            *("-E", "UTF8", "--locale=C", "--no-sync"),
        )
        running = Server(binaries, folder)
        running.start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder)


def find_binaries() -> Path | None:
    """The folder of initdb and pg_ctl: on PATH, or the newest that Debian's packages installed."""
    if (found := shutil.which("initdb")) is not None:
        return Path(found).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(installed, key=lambda path: float(path.parts[-3]), default=None)
    return None if newest is None else newest.parent


def run(program: Path, *arguments: str) -> None:
    """Run to its end, as somebody else if we are root, whom PostgreSQL refuses."""
    user = _unprivileged()
    done = subprocess.run(
        [program, *arguments],
        user=None if user is None else user.pw_uid,
        group=None if user is None else user.pw_gid,
        extra_groups=None if user is None else [],
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{program.name} {arguments[0]}: {done.stdout}"


def _unprivileged() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")

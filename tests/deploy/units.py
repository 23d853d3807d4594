"""The systemd units, read as systemd reads them, and started without it."""

from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.tools import DEPLOY
from tests.e2e.processes import BIN, Running, started, wait

UNITS = DEPLOY / "systemd"
NAMES = ("banyan-gateway.service", "banyan-control.service")
INSTALLED = "/opt/banyan/bin"
SLOW = 60.0  # seconds for two workers on a busy machine


def service(name: str) -> dict[str, str]:
    """The [Service] section; of an option that is given twice the last value."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keeps capital letters
    parser.read(UNITS / name)
    return dict(parser["Service"])


def environment(folder: Path) -> dict[str, str]:
    """What the shipped environment file sets, with its folders below `folder` and any free ports."""
    settings = dict(
        line.split("=", 1)
        for line in (UNITS / "banyan.env").read_text().splitlines()
        if line and not line.startswith("#")
    )
    for name, value in settings.items():
        if name.endswith("_PORT"):
            settings[name] = "0"
        for place in ("/etc/banyan", "/var/lib/banyan"):
            value = value.replace(place, f"{folder}{place}")  # noqa: PLW2901 (one after the other)
        if not name.endswith("_PORT"):
            settings[name] = value
    return settings


@contextmanager
def unit(name: str, folder: Path, **environ: str) -> Iterator[Running]:
    """What ExecStart starts, once it is up."""
    for place in ("etc/banyan", "var/lib/banyan"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    plan = folder / "etc/banyan/traffic.yaml"
    if not plan.exists():
        plan.write_text((DEPLOY / "traffic.yaml").read_text())
    command = service(name)["ExecStart"].split()
    assert command[0].startswith(f"{INSTALLED}/")
    assert (BIN / Path(command[0]).name).exists()
    work = folder / service(name)["WorkingDirectory"].lstrip("/")
    settings = environment(folder) | environ
    with started(work, Path(command[0]).name, *command[1:], **settings) as one:
        wait(lambda: " is up" in one.errors or one.process.poll() is not None, SLOW)
        assert one.process.poll() is None, one.errors
        yield one

"""The kill switch of one host, for the hour in which the store is away as well: a file in its `var`."""

from pathlib import Path

from gateway.atomic import replace_file


class HostSwitch:
    """While the file is there, this host sends everything to legacy, whatever the plan says."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def on(self) -> bool:
        return self.path.exists()

    @property
    def why(self) -> str:
        """Who switched it on, and why; one line."""
        try:
            return " ".join(self.path.read_text(encoding="utf-8", errors="replace").split())[:500]
        except OSError:
            return ""

    def turn_on(self, why: str) -> None:
        """Raises OSError."""
        replace_file(self.path, f"{why}\n".encode())

    def turn_off(self) -> bool:
        """Whether it was on. Raises OSError."""
        on = self.on
        self.path.unlink(missing_ok=True)
        return on

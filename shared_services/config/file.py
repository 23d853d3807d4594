"""The configuration file: the operator's door in."""

from pathlib import Path

from shared_services.config.document import MAX_SIZE
from shared_services.errors import InvalidBody
from shared_services.jsonbody import JsonObject, parse_object


class UnusableFile(Exception):
    """There is a file, and it holds no configuration. The text is for operators and clients."""


def read_file(path: str) -> JsonObject | None:
    """What the file holds, None if there is none. Blocks.

    Raises UnusableFile.
    """
    try:
        raw = _read(Path(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableFile(f"The configuration file cannot be read: {error.strerror}") from error
    if len(raw) > MAX_SIZE:
        raise UnusableFile(f"The configuration file is larger than {MAX_SIZE} bytes")
    try:
        return parse_object(raw, may_be_empty=True)
    except InvalidBody as error:
        raise UnusableFile("The configuration file is not a JSON object") from error


def _read(path: Path) -> bytes:
    """One byte more than allowed tells that there is more. A pipe would never end, or begin."""
    if path.exists() and not path.is_file():
        raise UnusableFile("The configuration file is not a file")
    with path.open("rb") as file:
        return file.read(MAX_SIZE + 1)

"""Files that an operator writes: read as YAML, checked, refused with their name and the place."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from gateway.errors import BanyanError

T = TypeVar("T")


class FileRefused(BanyanError):
    """A file cannot be used; the message says where it is wrong."""

    exit_code = 2


def read_yaml(path: Path, kind: TypeAdapter[T]) -> T | None:
    """What the file says; None for an empty one. Raises FileRefused."""
    data = load_yaml(path)
    try:
        return None if data is None else kind.validate_python(data)
    except ValidationError as error:
        problems = (f"{_place(one['loc'])}: {one['msg']}" for one in error.errors())
        raise FileRefused(f"{path}: " + "; ".join(problems)) from error


def load_yaml(path: Path) -> Any:
    """The document with its comments, as ruamel keeps them for writing. Raises FileRefused."""
    try:
        return YAML().load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror}") from error
    except (YAMLError, ValueError, KeyError, RecursionError) as error:
        raise FileRefused(f"{path} cannot be read as YAML: {str(error).splitlines()[0]}") from error


def _place(loc: tuple[int | str, ...]) -> str:
    """`[2].until`"""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")

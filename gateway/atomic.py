"""Files that are replaced as a whole: a reader sees the old one or the new one."""

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Makes the folder if there is none. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)

"""What the configuration keeps in the store: every version there was."""

from dataclasses import dataclass
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class ConfigVersionRow:
    """`document` is the whole configuration as JSON; `source` says which door it came through."""

    version: int
    at_ms: int
    source: str
    document: str


CONFIG_VERSIONS: Final = Table("config_versions", ConfigVersionRow, key=("version",))

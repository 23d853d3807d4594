"""Every table there is; the migrations bring a store to exactly these."""

from typing import Any

from shared_services.storage.port import Table

TABLES: tuple[Table[Any], ...] = ()

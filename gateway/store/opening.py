"""From a URL to the store's parts."""

from dataclasses import dataclass

from gateway.store.audit import Audit
from gateway.store.database import Database
from gateway.store.evidence import Evidence
from gateway.store.notices import Notices
from gateway.store.ramps import Ramps
from gateway.store.standings import Standings
from gateway.store.versions import Versions
from gateway.store.workers import Workers


@dataclass(frozen=True, slots=True)
class Store:
    """What one URL holds; connections are made when they are needed."""

    database: Database
    versions: Versions
    audit: Audit
    workers: Workers
    evidence: Evidence
    standings: Standings
    ramps: Ramps
    notices: Notices

    def close(self) -> None:
        self.database.close()


def open_store(url: str) -> Store:
    """Raises UnusableStore for a URL that names no store; connects to nothing."""
    database = Database(url)
    return Store(
        database,
        Versions(database),
        Audit(database),
        Workers(database),
        Evidence(database),
        Standings(database),
        Ramps(database),
        Notices(database),
    )

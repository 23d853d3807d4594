"""Store URLs, refused without being shown: they may hold a password."""

import sqlalchemy as sa

from shared_services.storage.errors import UnusableStore


def parse_url(url: str) -> sa.URL:
    """The parts of `url`; UnusableStore if it has none."""
    try:
        return sa.make_url(url)
    except (ValueError, sa.exc.ArgumentError) as error:
        raise UnusableStore(f"{url.partition('://')[0]}://…: {error}") from None

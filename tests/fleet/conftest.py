"""PostgreSQL of our own, as the storage tests have it."""

from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

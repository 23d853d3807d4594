"""Rows behind one port: `open_store(url)`. Importing this opens nothing and loads no driver."""

from shared_services.storage.opening import open_store
from shared_services.storage.port import Key, Reader, Store, Table, Transaction

__all__ = ["Key", "Reader", "Store", "Table", "Transaction", "open_store"]

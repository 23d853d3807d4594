"""What every store does alike."""

from decimal import Decimal

import pytest

from shared_services.storage import Reader, Store, Transaction
from shared_services.storage.columns import Unstorable
from tests.storage.tables import ACCOUNTS, ENTRIES, MARKS, Account, Entry, Mark

FULL = Entry("ann", 1, "a note", -(2**63), Decimal("0.000000000000000001"), True, True)
EMPTY = Entry("ann", 2)


async def put(store: Store, *entries: Entry) -> None:
    def work(tx: Transaction) -> None:
        for entry in entries:
            tx.put(ENTRIES, entry)

    await store.transaction(work)


async def all_entries(store: Store) -> list[Entry]:
    return await store.read(lambda reader: reader.find(ENTRIES))


async def numbers(store: Store, **query: object) -> list[int]:
    def work(reader: Reader) -> list[int]:
        return [entry.number for entry in reader.find(ENTRIES, **query)]  # type: ignore[arg-type]

    return await store.read(work)


async def test_a_row_comes_back_as_it_was_put(store: Store) -> None:
    await put(store, FULL, EMPTY)

    assert await all_entries(store) == [FULL, EMPTY]


async def test_what_a_transaction_wrote_it_reads_itself(store: Store) -> None:
    def work(tx: Transaction) -> Entry | None:
        tx.put(ENTRIES, FULL)
        return tx.get(ENTRIES, "ann", 1)

    assert await store.transaction(work) == FULL


async def test_a_transaction_returns_what_its_function_returns(store: Store) -> None:
    def add(tx: Transaction, a: int, *, b: int) -> int:
        return a + b

    assert await store.transaction(add, 1, b=2) == 3
    assert await store.read(lambda reader, a: a, 4) == 4


async def test_a_row_that_is_not_there_is_none(store: Store) -> None:
    assert await store.read(lambda reader: reader.get(ENTRIES, "ann", 1)) is None


async def test_put_replaces_the_whole_row(store: Store) -> None:
    await put(store, FULL)
    await put(store, Entry("ann", 1))

    assert await all_entries(store) == [Entry("ann", 1)]


async def test_put_of_a_row_that_is_all_key_is_no_second_row(store: Store) -> None:
    def work(tx: Transaction) -> list[Mark]:
        tx.put(MARKS, Mark("ann", "x"))
        tx.put(MARKS, Mark("ann", "x"))
        return tx.find(MARKS)

    assert await store.transaction(work) == [Mark("ann", "x")]


async def test_add_of_an_existing_key_changes_nothing_and_says_so(store: Store) -> None:
    def add(tx: Transaction, cash: int) -> bool:
        return tx.add(ACCOUNTS, Account("ann", Decimal(cash)))

    assert await store.transaction(add, 1)
    assert not await store.transaction(add, 2)
    assert await store.read(lambda reader: reader.find(ACCOUNTS)) == [Account("ann", Decimal(1))]


async def test_delete_says_whether_there_was_a_row(store: Store) -> None:
    await put(store, FULL, EMPTY)

    assert await store.transaction(lambda tx: tx.delete(ENTRIES, "ann", 1))
    assert not await store.transaction(lambda tx: tx.delete(ENTRIES, "ann", 1))
    assert await all_entries(store) == [EMPTY]


async def test_an_exception_comes_out_unchanged_and_nothing_is_written(store: Store) -> None:
    await put(store, FULL)
    error = LookupError("no")

    def work(tx: Transaction) -> None:
        tx.add(ENTRIES, EMPTY)
        tx.put(ENTRIES, Entry("ann", 1, "changed"))
        tx.put(ENTRIES, Entry("ann", 1, "changed twice"))
        tx.put(ENTRIES, Entry("bob", 1))
        tx.delete(ENTRIES, "bob", 1)
        tx.delete(ENTRIES, "ann", 1)
        raise error

    with pytest.raises(LookupError) as caught:
        await store.transaction(work)

    assert caught.value is error
    assert await all_entries(store) == [FULL]


async def test_the_next_transaction_is_clean_after_one_that_failed(store: Store) -> None:
    def fail(tx: Transaction) -> None:
        tx.put(ENTRIES, FULL)
        raise LookupError

    for _ in range(20):  # more than any pool has connections
        with pytest.raises(LookupError):
            await store.transaction(fail)
    await put(store, EMPTY)

    assert await all_entries(store) == [EMPTY]


async def test_find_without_an_order_is_in_the_order_of_the_key(store: Store) -> None:
    await put(store, *(Entry("ann", number) for number in (10, -1, 9)), Entry("Zoe", 11))

    assert await numbers(store) == [11, -1, 9, 10]


async def test_find_takes_only_rows_equal_in_every_field_named(store: Store) -> None:
    await put(
        store,
        Entry("ann", 1, note="x", size=1, final=True),
        Entry("ann", 2, note="x", size=2, final=False),
        Entry("ann", 3, note="y", size=1, final=True),
        Entry("bob", 4, note="x", size=1, final=True),
    )

    assert await numbers(store, account="ann", note="x") == [1, 2]
    assert await numbers(store, account="ann", note="x", size=1) == [1]
    assert await numbers(store, final=True) == [1, 3, 4]
    assert await numbers(store, final=False) == [2]


async def test_find_of_none_takes_the_rows_without_a_value(store: Store) -> None:
    await put(store, Entry("ann", 1, note=""), Entry("ann", 2), Entry("ann", 3, booked=False))

    assert await numbers(store, note=None) == [2, 3]
    assert await numbers(store, booked=None) == [1, 2]
    assert await numbers(store, account=None) == []


async def test_find_orders_by_a_field_then_by_key_and_none_comes_first(store: Store) -> None:
    sizes = {1: 5, 2: None, 3: 5, 4: -1, 5: None}
    await put(store, *(Entry("ann", number, size=size) for number, size in sizes.items()))

    assert await numbers(store, order_by="size") == [2, 5, 4, 1, 3]
    assert await numbers(store, order_by="size", descending=True) == [1, 3, 4, 2, 5]


async def test_text_is_ordered_by_code_point(store: Store) -> None:
    notes = ["a", "B", "é", "Z", "_", "\uffff", "\U0001f600", ""]
    await put(store, *(Entry("ann", number, note) for number, note in enumerate(notes)))

    expected = [notes.index(note) for note in sorted(notes)]
    assert await numbers(store, order_by="note") == expected


async def test_find_stops_at_its_limit(store: Store) -> None:
    await put(store, *(Entry("ann", number) for number in range(5)))

    assert await numbers(store, order_by="number", descending=True, limit=2) == [4, 3]
    assert await numbers(store, limit=0) == []
    with pytest.raises(ValueError, match="entries: limit is 0 or more, not -1"):
        await numbers(store, limit=-1)


@pytest.mark.parametrize("query", [{"order_by": "amount"}, {"amount": 1}, {"amount": None}])
async def test_t35_money_is_neither_ordered_by_nor_compared(
    store: Store, query: dict[str, object]
) -> None:
    with pytest.raises(TypeError, match=r"entries.amount: money is neither compared nor ordered"):
        await numbers(store, **query)


async def test_a_field_that_is_not_there_is_refused_with_those_that_are(store: Store) -> None:
    for query in ({"nunber": 1}, {"nunber": None}, {"order_by": "nunber"}):
        with pytest.raises(TypeError, match="entries: no field 'nunber', one of account, number"):
            await numbers(store, **query)


async def test_a_key_of_the_wrong_length_is_refused(store: Store) -> None:
    with pytest.raises(TypeError, match=r"entries: key is \(account, number\), not \('ann',\)"):
        await store.read(lambda reader: reader.get(ENTRIES, "ann"))


@pytest.mark.parametrize("bad", ["nul \0", "surrogate \ud800"])
async def test_text_that_no_store_holds_is_refused_and_never_found(store: Store, bad: str) -> None:
    with pytest.raises(Unstorable, match=r"accounts.id: text holds no"):
        await store.transaction(lambda tx: tx.put(ACCOUNTS, Account(bad, Decimal(1))))

    assert await store.read(lambda reader: reader.get(ACCOUNTS, bad)) is None
    assert await store.read(lambda reader: reader.find(ACCOUNTS, id=bad)) == []
    assert not await store.transaction(lambda tx: tx.delete(ACCOUNTS, bad))


async def test_an_int_of_more_than_64_bits_is_refused(store: Store) -> None:
    await put(store, Entry("ann", 2**63 - 1))
    with pytest.raises(Unstorable, match=r"entries.number: an int has at most 64 bits, not 65"):
        await put(store, Entry("ann", 2**63))


async def test_a_value_of_another_type_is_refused(store: Store) -> None:
    with pytest.raises(TypeError, match=r"entries.number: int needed, not True"):
        await put(store, Entry("ann", True))
    with pytest.raises(TypeError, match=r"accounts.cash: Decimal needed, not 1.5"):
        await store.transaction(lambda tx: tx.add(ACCOUNTS, Account("ann", 1.5)))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"entries.number: int needed, not '1'"):
        await store.read(lambda reader: reader.get(ENTRIES, "ann", "1"))

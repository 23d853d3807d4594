"""Money is exact in every store."""

from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared_services.storage import Store, Transaction
from shared_services.storage.columns import Unstorable, money
from shared_services.storage.metadata import Money
from tests.storage.tables import ACCOUNTS, Account

LARGEST = Decimal("99999999999999999999.999999999999999999")


def _amounts(decimals: int) -> st.SearchStrategy[Decimal]:
    largest = 10 ** (20 + decimals) - 1
    return st.integers(-largest, largest).map(lambda units: Decimal(f"{units}E-{decimals}"))


AMOUNTS = st.integers(0, 18).flatmap(_amounts)


def _round_trip(tx: Transaction, amounts: list[Decimal]) -> list[Decimal]:
    for number, amount in enumerate(amounts):
        tx.put(ACCOUNTS, Account(str(number), amount))
    rows = [tx.get(ACCOUNTS, str(number)) for number in range(len(amounts))]
    return [row.cash for row in rows if row is not None]


@given(st.lists(AMOUNTS, min_size=1, max_size=20))
@example(
    [
        LARGEST,
        LARGEST.copy_negate(),
        Decimal("1E+19"),
        Decimal("1E-18"),
        Decimal("-0.0"),
        Decimal("0E+99"),
    ]
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_t34_every_amount_of_20_and_18_digits_survives(
    store: Store, amounts: list[Decimal]
) -> None:
    assert await store.transaction(_round_trip, amounts) == amounts


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            sa.Numeric(38, 18),
            marks=[
                pytest.mark.xfail(strict=True, raises=AssertionError, reason="a float on SQLite"),
                pytest.mark.filterwarnings("ignore:Dialect sqlite.pysqlite does"),
            ],
        ),
        Money(),
    ],
)
def test_t34_a_column_of_money_is_no_float_on_sqlite(kind: sa.types.TypeEngine[Decimal]) -> None:
    amount = Decimal("12345678.123456789012345678")
    table = sa.Table("t", sa.MetaData(), sa.Column("amount", kind))
    engine = sa.create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            table.create(connection)
            connection.execute(table.insert().values(amount=amount))

            assert connection.execute(sa.select(table)).scalar_one() == amount
    finally:
        engine.dispose()


async def test_every_store_gives_an_amount_back_in_the_same_digits(store: Store) -> None:
    written = ["1.50", "1E+3", "-0.0", "0E-18", "100", "0.000000000000000001", "-7.10"]
    back = await store.transaction(_round_trip, [Decimal(text) for text in written])

    assert [str(amount) for amount in back] == [
        *("1.5", "1000", "0", "0", "100", "1E-18", "-7.1"),
    ]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("NaN", "money is finite, not NaN"),
        ("-Infinity", "money is finite, not -Infinity"),
        ("1E+20", "money has at most 20 digits before the point"),
        ("1E+999999", "money has at most 20 digits before the point"),
        ("1E-19", "money has at most 18 decimals"),
        ("0.1234567890123456789", "money has at most 18 decimals"),
    ],
)
async def test_an_amount_that_is_not_exact_everywhere_is_refused(
    store: Store, text: str, rule: str
) -> None:
    with pytest.raises(Unstorable, match=f"^accounts.cash: {rule}"):
        await store.transaction(lambda tx: tx.add(ACCOUNTS, Account("ann", Decimal(text))))


@given(AMOUNTS)
def test_the_stored_form_of_an_amount_equals_it_and_is_its_own_stored_form(amount: Decimal) -> None:
    assert money(amount) == amount
    assert str(money(money(amount))) == str(money(amount))

"""What a failure is called: alike for all that fail alike, and without a word of the request."""

import json
import sysconfig
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from flask import abort

from gateway.faults import LONGEST, WORDS, fingerprint

SECRET = "tok_4711_of_the_client"


def caught(work: Callable[[], Any]) -> BaseException:
    try:
        work()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def place_order(name: str) -> Any:
    return dict[str, Any]()[name]


def test_it_is_the_type_and_the_function_that_raised_it() -> None:
    assert fingerprint(caught(lambda: place_order("a"))) == f"KeyError at {__name__}.place_order"


def test_it_is_the_same_for_equal_failures_and_holds_nothing_of_them() -> None:
    seen = {fingerprint(caught(lambda name=name: place_order(name))) for name in (SECRET, "b", "c")}  # type: ignore[misc]  # bound
    assert len(seen) == 1
    assert SECRET not in seen.pop()


def test_a_line_more_above_does_not_change_it() -> None:
    """Else every deployment would bring exceptions that nobody has seen."""

    def older() -> None:
        raise ValueError

    one = fingerprint(caught(older))
    source = "def older():\n    x = 1\n    y = 2\n    raise ValueError\n"
    scope: dict[str, Any] = {"__name__": __name__}
    exec(compile(source, __file__, "exec"), scope)
    assert one == f"ValueError at {__name__}.{older.__qualname__}"
    assert fingerprint(caught(scope["older"])) == f"ValueError at {__name__}.older"


class Shop:
    """An app's own class, with an exception of its own."""

    class SoldOut(Exception):
        """Says what."""

    def buy(self) -> None:
        raise Shop.SoldOut(SECRET)


def test_methods_and_nested_classes_have_their_full_names() -> None:
    name = fingerprint(caught(Shop().buy))
    assert name == f"{__name__}.Shop.SoldOut at {__name__}.Shop.buy"


def test_what_a_library_raises_is_told_of_the_apps_own_code() -> None:
    def parse() -> Any:
        return json.loads("{")  # of Python itself

    def refuse() -> None:
        abort(500)  # of a framework

    def store() -> None:
        frames_of("sqlalchemy.engine", f"{LIBRARIES}/sqlalchemy/engine.py")()

    where = f"{__name__}.test_what_a_library_raises_is_told_of_the_apps_own_code.<locals>"
    assert fingerprint(caught(store)) == f"ValueError at {where}.store"
    assert fingerprint(caught(parse)) == f"json.decoder.JSONDecodeError at {where}.parse"
    assert (
        fingerprint(caught(refuse)) == f"werkzeug.exceptions.InternalServerError at {where}.refuse"
    )


def frames_of(module: str, file: str) -> Callable[[], None]:
    """A function of a module that raises ValueError, compiled from a file of that name."""
    scope: dict[str, Any] = {"__name__": module}
    exec(compile("def fails():\n    raise ValueError\n", file, "exec"), scope)
    made: Callable[[], None] = scope["fails"]
    return made


def raised_in(module: str, file: str) -> BaseException:
    """The same without a frame of this file."""
    error = caught(frames_of(module, file))
    assert error.__traceback__ is not None
    return error.with_traceback(error.__traceback__.tb_next)


LIBRARIES, STANDARD = sysconfig.get_path("purelib"), sysconfig.get_path("stdlib")


@pytest.mark.parametrize(
    ("module", "file", "place"),
    [
        ("shop.orders", "/srv/shop/orders.py", "shop.orders.fails"),
        ("shop.orders", f"{LIBRARIES}/shop/orders.py", "shop.orders.fails"),
        ("flask.app", f"{LIBRARIES}/flask/app.py", "flask.app.fails"),
        ("json", json.__file__, "json.fails"),
        ("", "<string>", ".fails"),
    ],
    ids=["own", "installed", "framework", "python", "made at run time"],
)
def test_where_no_code_is_the_apps_own_it_is_the_innermost_there_is(
    module: str, file: str, place: str
) -> None:
    assert fingerprint(raised_in(module, file)) == f"ValueError at {place}"


@pytest.mark.parametrize(
    ("module", "file"),
    [
        ("shopping", f"{STANDARD}-of-ours/shopping.py"),
        ("gateways", "/srv/gateways.py"),
        ("flask_shop.views", "/srv/flask_shop/views.py"),
    ],
    ids=["a folder whose name goes on", "a package like ours", "a package like a framework"],
)
def test_code_whose_name_begins_like_anothers_is_the_apps_own(module: str, file: str) -> None:
    def outer() -> None:
        frames_of(module, file)()

    assert fingerprint(caught(outer)) == f"ValueError at {module}.fails"


def test_an_exception_that_nobody_raised_has_no_place() -> None:
    assert fingerprint(KeyError("x")) == "KeyError at ?"


def test_an_exception_raised_from_another_is_what_it_is_and_not_the_other() -> None:
    def translate() -> None:
        try:
            place_order("a")
        except KeyError as error:
            raise LookupError("no such order") from error

    name = fingerprint(caught(translate))
    assert name.startswith("LookupError at ")
    assert name.endswith(".translate")


def test_endless_recursion_is_one_failure() -> None:
    def deeper() -> None:
        deeper()

    assert fingerprint(caught(deeper)) == f"RecursionError at {__name__}.{deeper.__qualname__}"


async def test_of_a_group_it_is_the_first_ones() -> None:
    async def fails() -> None:
        place_order("a")

    try:
        async with anyio.create_task_group() as tasks, anyio.create_task_group() as inner:
            inner.start_soon(fails)
            tasks.start_soon(anyio.sleep, 0)
    except* KeyError as group:
        name = fingerprint(group)
    assert name == f"KeyError at {__name__}.place_order"


ODD = {
    "huge": "E" * 100_000,
    "letters of the world": "Überlauf_в_заказе_注文",
    "line ends": "E\nX-Served-By: modern\r\n",
    "a null": "E\0E",
    "a lone surrogate": "E\ud800",
    "nothing": "",
}


@pytest.mark.parametrize("name", ODD.values(), ids=ODD.keys())
def test_a_name_that_an_app_may_give_is_one_that_a_store_and_a_log_can_take(name: str) -> None:
    kind = type("Odd", (Exception,), {"__module__": "shop"})
    kind.__qualname__ = name

    def fails() -> None:
        raise kind(SECRET)

    found = fingerprint(caught(fails))
    assert len(found) <= LONGEST
    assert found.isprintable()
    assert found.encode()
    assert found.startswith("shop." + name[:1])


@pytest.mark.parametrize("module", [None, 3, ""])
def test_an_exception_of_no_module_is_no_bug(module: object) -> None:
    kind = type("Odd", (Exception,), {"__module__": module})
    assert fingerprint(kind()) == f"{module}.Odd at ?"


def test_no_fingerprint_is_one_of_the_words_for_failures_on_the_way() -> None:
    assert not any(" at " in word for word in WORDS)

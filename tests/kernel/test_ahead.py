"""Making the next item while somebody works on the one before."""

import threading
from collections.abc import Iterator

import pytest

from app.kernel.ahead import ahead


def test_all_items_come_in_their_order() -> None:
    assert list(ahead(iter("abc"))) == ["a", "b", "c"]
    assert list(ahead(iter(()))) == []


def test_the_next_item_is_made_while_the_caller_has_the_one_before() -> None:
    is_made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        is_made.set()
        yield 2

    coming = ahead(items())
    assert next(coming) == 1
    assert is_made.wait(10)
    assert list(coming) == [2]


def test_a_failure_comes_to_the_caller_at_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="no more"):
        next(coming)

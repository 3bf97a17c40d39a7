"""Who is who: merging people that share an address."""

import pytest

from app.audience.addresses import Addresses, AddressIndexes
from app.audience.fields import Person
from app.audience.matching import Draft, Known, Matcher, Placed, merge
from app.kernel.errors import InvalidInput


def indexes(addresses: Addresses) -> AddressIndexes:
    return AddressIndexes._make(address.encode() if address else None for address in addresses)


def person(*addresses: str | None, **values: str) -> Person:
    return Person(Addresses(*addresses), **values)  # type: ignore[arg-type]


def draft(*addresses: str | None, **values: str) -> Draft:
    someone = person(*addresses, **values)
    return Draft(someone, indexes(someone.addresses))


def known(id_: int, *addresses: str | None, **values: str) -> Known:
    someone = person(*addresses, **values)
    return Known(someone, indexes(someone.addresses), b"uid", id=id_)


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_any_shared_address_joins(place: int) -> None:
    there = known(1, "a", "b", "+1", "+2")
    told: list[str | None] = [None] * 4
    told[place] = there.person.addresses[place]
    matcher = Matcher([there])
    assert matcher.place(draft(*told), b"new") is Placed.UPDATED
    assert (matcher.new, matcher.changed) == ([], [])


@pytest.mark.parametrize(
    ("there", "told"),
    [(("a", None), (None, "a")), ((None, "a"), ("a", None)), ((None, None, "+1"), (None, None, None, "+1"))],
)
def test_main_and_second_address_are_one_space(there: tuple[str | None, ...], told: tuple[str | None, ...]) -> None:
    assert Matcher([known(1, *there)]).place(draft(*told), b"new") is Placed.UPDATED


def test_addresses_of_two_contacts_are_ambiguous_and_change_nothing() -> None:
    matcher = Matcher([known(1, "a"), known(2, None, None, "+1")])
    with pytest.raises(InvalidInput, match="[Aa]mbiguous"):
        matcher.place(draft("a", None, "+1", first_name="X"), b"new")
    assert (matcher.new, matcher.changed, matcher.joined) == ([], [], {})


def test_rows_of_one_person_join_each_other() -> None:
    matcher = Matcher([])
    placed = [
        matcher.place(draft("a"), b"1"),
        matcher.place(draft("a", None, "+1"), b"2"),
        matcher.place(draft(None, None, None, "+1", first_name="Anna"), b"3"),
        matcher.place(draft("b"), b"4"),
    ]
    assert placed == [Placed.ADDED, Placed.MERGED, Placed.MERGED, Placed.ADDED]
    assert [contact.uid for contact in matcher.new] == [b"1", b"4"]
    assert matcher.new[0].person == person("a", None, "+1", "+1", first_name="Anna")
    assert matcher.new[0].indexes == indexes(matcher.new[0].person.addresses)


def test_replaced_address_does_not_match_any_more() -> None:
    matcher = Matcher([known(1, "old", None, "+1")])
    matcher.place(draft("new", None, "+1"), b"1")
    assert matcher.place(draft("old"), b"2") is Placed.ADDED
    assert matcher.place(draft("new"), b"3") is Placed.UPDATED


def test_contact_added_by_the_same_import_counts_as_merged() -> None:
    there = known(1, "a")
    there.is_own = True
    assert Matcher([there]).place(draft("a"), b"1") is Placed.MERGED


def test_new_values_win_and_empty_ones_do_not() -> None:
    old = Person(Addresses("a"), "Anna", "Old", "Firm", attributes={"x": "1", "y": "2"})
    new = Person(Addresses("a", None, "+1"), "", "New", attributes={"y": "3"})
    assert merge(old, new) == Person(Addresses("a", None, "+1"), "Anna", "New", "Firm", attributes={"x": "1", "y": "3"})


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        (("a", "b"), ("b", None), ("a", "b")),
        (("a", "b"), (None, "a"), ("a", "b")),
        (("a", None), (None, "a"), ("a", None)),
        ((None, "b"), ("b", None), ("b", None)),
        (("a", "b"), ("b", "c"), ("b", "c")),
        (("a", "b"), ("b", "a"), ("b", "a")),
        (("a", None), ("a", "b"), ("a", "b")),
        (("a", "b"), ("c", "b"), ("c", "b")),
    ],
)
def test_no_known_address_is_lost_by_telling_it_in_the_other_place(
    old: tuple[str | None, ...], new: tuple[str | None, ...], merged: tuple[str | None, ...]
) -> None:
    assert merge(person(*old), person(*new)).addresses[:2] == merged

"""Paces to domains as people write them."""

import pytest

from app.channels import domain_pace
from app.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("gmail.com 20 a minute", {"gmail.com": 20}),
        ("  GMail.com   20", {"gmail.com": 20}),
        ("@gmail.com: 20/min", {"gmail.com": 20}),
        ("wp.pl 5 na minutę", {"wp.pl": 5}),
        ("zażółć.pl 1 per minute", {"xn--zac-qqa98ali8v.pl": 1}),
    ],
)
def test_a_line_is_a_domain_and_a_number(line: str, found: dict[str, int]) -> None:
    read = domain_pace.read([line])
    assert list(read.values()) == list(found.values())
    assert [name.isascii() for name in read] == [True]
    if line.isascii():
        assert read == found
    assert domain_pace.read(domain_pace.lines(read)) == read


@pytest.mark.parametrize(
    "line", ["gmail.com", "20 a minute", "gmail.com 20 an hour", "gmail 20", "a@gmail.com 20", "gmail.com -1", "<b> 1"]
)
def test_what_is_no_pace_is_refused_at_its_field(line: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        domain_pace.read([line])
    assert refused.value.field == "domain_paces"


def test_a_domain_stands_once() -> None:
    with pytest.raises(InvalidInput, match="stands twice"):
        domain_pace.read(["gmail.com 20", "Gmail.com 5"])


@pytest.mark.parametrize("number", [0, -1, 10_001, True, "20", None])
def test_a_pace_is_a_number_in_its_bounds(number: int) -> None:
    with pytest.raises(InvalidInput, match="from 1 to 10000"):
        domain_pace.checked({"gmail.com": number})


def test_what_is_stored_is_normalised_and_bounded() -> None:
    assert domain_pace.checked({"WP.pl": 3, "gmail.com": 20}) == {"gmail.com": 20, "wp.pl": 3}
    assert domain_pace.checked({}) is None
    with pytest.raises(InvalidInput, match="At most 50"):
        domain_pace.checked({f"d{number}.example": 1 for number in range(51)})

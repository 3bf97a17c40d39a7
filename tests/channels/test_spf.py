"""Whether an SPF record lets a server send, by RFC 7208: each way to name one, what stands for nobody, and circles."""

import pytest

from app.channels import spf

DNS = {
    ("A", "mail.example"): ["192.0.2.7"],
    ("A", "shop.example"): ["198.51.100.1"],
    ("AAAA", "shop.example"): ["2001:db8::1"],
    ("MX", "shop.example"): ["mx1.example", "mx2.example"],
    ("A", "mx2.example"): ["192.0.2.7"],
    ("A", "both.example"): ["192.0.2.7"],
    ("AAAA", "both.example"): ["2001:db8::7"],
    ("TXT", "net.example"): ["other=1", "v=spf1 ip4:192.0.2.0/24 -all"],
    ("TXT", "not.example"): ["v=spf1 -ip4:192.0.2.7 +all"],
    ("TXT", "circle.example"): ["v=spf1 include:circle.example include:net.example -all"],
    ("TXT", "google.example"): ["v=spf1 include:_spf.google.com ~all"],
}


def records(name: str, kind: str) -> list[str]:
    return DNS.get((kind, name), [])


def lets(terms: str, server: str = "mail.example") -> bool:
    return spf.lets(f"v=spf1 {terms}", "shop.example", server, records)


@pytest.mark.parametrize(
    "terms",
    [
        "ip4:192.0.2.7 -all",
        "ip4:192.0.2.0/24 -all",
        "+ip4:192.0.2.7 -all",
        "a:mail.example ~all",
        "A:Mail.Example ~all",
        "a:mail.example/24 ~all",
        "mx ~all",
        "mx:shop.example ~all",
        "include:net.example ~all",
        "include:circle.example ~all",
        "redirect=net.example",
        "?include:not.example include:net.example -all",
        "a/5 -all",  # 198.51.100.1 and 192.0.2.7 begin with the same five bits
    ],
)
def test_a_server_is_let_send(terms: str) -> None:
    assert lets(terms)


@pytest.mark.parametrize(
    "terms",
    [
        "-all",
        "~all",
        "",
        "a -all",
        "a/6 -all",
        "a//64 -all",
        "?ip4:192.0.2.7 -all",
        "-ip4:192.0.2.7 ip4:192.0.2.0/24 -all",
        "ip4:192.0.2.999 ip4:x/y -all",
        "ip6:2001:db8::/32 -all",
        "include:not.example -all",
        "include:nowhere.example -all",
        "exists:%{i}.example ptr -all",
        "redirect=nowhere.example",
        "-all redirect=net.example",
    ],
)
def test_a_server_is_not_let_send(terms: str) -> None:
    assert not lets(terms)


def test_each_address_of_a_server_must_be_let_send() -> None:
    assert not lets("ip4:192.0.2.7 -all", "both.example")
    assert lets("ip4:192.0.2.7 ip6:2001:db8::/64 -all", "both.example")
    assert lets("a:both.example -all", "both.example")


def test_a_server_that_is_named_by_its_address_needs_no_name() -> None:
    assert lets("ip4:203.0.113.0/24 -all", "203.0.113.9")
    assert spf.term_of("203.0.113.9") == "ip4:203.0.113.9" and spf.term_of("[2001:db8::1]") == "ip6:2001:db8::1"


def test_a_server_that_has_no_address_is_not_let_send() -> None:
    assert not lets("a:nowhere.example -all", "nowhere.example")


def test_a_relay_that_sends_from_other_addresses_is_known_by_what_it_wants_included() -> None:
    assert lets("include:google.example ~all", "smtp.gmail.com")
    assert not lets("include:net.example ~all", "smtp.gmail.com")
    assert spf.term_of("smtp.gmail.com") == "include:_spf.google.com"
    assert spf.term_of("notgmail.com") == "a:notgmail.com"

"""Asking a real name server on loopback."""

import pytest

from app.channels.mail_dns import DnsSilent
from app.providers import dns
from tests.providers.name_server import serving

LONG = "v=DKIM1; p=" + "x" * 600


def test_texts_are_read_whole_and_a_name_without_any_has_none() -> None:
    with serving({"shop.example": ["v=spf1 -all", LONG], "bare.example": []}) as server:
        assert sorted(dns.records_at("shop.example", "TXT", server)) == sorted(["v=spf1 -all", LONG])
        assert dns.records_at("bare.example", "TXT", server) == []
        assert dns.records_at("nowhere.example", "TXT", server) == []


def test_addresses_and_servers_for_mail_are_read() -> None:
    others = {
        ("A", "mail.example"): ["192.0.2.1", "192.0.2.2"],
        ("AAAA", "mail.example"): ["2001:db8::1"],
        ("MX", "shop.example"): ["10 mail.example."],
    }
    with serving({}, others) as server:
        assert sorted(dns.records_at("mail.example", "A", server)) == ["192.0.2.1", "192.0.2.2"]
        assert dns.records_at("mail.example", "AAAA", server) == ["2001:db8::1"]
        assert dns.records_at("shop.example", "MX", server) == ["mail.example"]
        assert dns.records_at("shop.example", "A", server) == []


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".example", ".".join(["abc"] * 70)])
def test_a_name_that_cannot_be_has_none(name: str) -> None:
    with serving({}) as server:
        assert dns.records_at(name, "TXT", server) == []


def test_silence_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "TIMEOUT_SECONDS", 0.3)
    with serving({}, is_silent=True) as server, pytest.raises(DnsSilent):
        dns.records_at("shop.example", "TXT", server)

"""Asking a real name server on loopback."""

import pytest

from app.channels.mail_dns import DnsSilent
from app.providers import dns
from tests.providers.name_server import serving

LONG = "v=DKIM1; p=" + "x" * 600


def test_texts_are_read_whole_and_a_name_without_any_has_none() -> None:
    with serving({"shop.example": ["v=spf1 -all", LONG], "bare.example": []}) as server:
        assert sorted(dns.texts_at("shop.example", server)) == sorted(["v=spf1 -all", LONG])
        assert dns.texts_at("bare.example", server) == []
        assert dns.texts_at("nowhere.example", server) == []


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".example", ".".join(["abc"] * 70)])
def test_a_name_that_cannot_be_has_none(name: str) -> None:
    with serving({}) as server:
        assert dns.texts_at(name, server) == []


def test_silence_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "TIMEOUT_SECONDS", 0.3)
    with serving({}, is_silent=True) as server, pytest.raises(DnsSilent):
        dns.texts_at("shop.example", server)

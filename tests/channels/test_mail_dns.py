"""What receivers find in the DNS: each record there, missing, broken, and of somebody else."""

import pytest

from app.channels.mail_dns import Level, Sending, check

KEY = ("s1._domainkey.shop.example", "v=DKIM1; k=rsa; p=MIIBkey")
GOOD = {
    "shop.example": ["google-site-verification=1", "v=spf1 include:relay.example ~all"],
    "relay.example": ["v=spf1 ip4:192.0.2.0/24 -all"],
    KEY[0]: ["v=DKIM1; k=rsa; p=MIIB key"],
    "_dmarc.shop.example": ["v=DMARC1; p=quarantine; rua=mailto:dmarc@shop.example"],
}
SENDING = Sending("shop.example", "shop.example", "mail.shop.example", KEY)
MANY = {f"n{number}.example": [f"v=spf1 include:n{number + 1}.example -all"] for number in range(12)}


def found(texts: dict[str, list[str]], sending: Sending = SENDING) -> dict[str, tuple[Level, str, str]]:
    return {
        each.kind: (each.level, str(each.words), each.record)
        for each in check(sending, lambda name: texts.get(name, []))
    }


def test_a_domain_that_has_everything_is_fine() -> None:
    assert {kind: level for kind, (level, _words, _record) in found(GOOD).items()} == dict.fromkeys(
        ("SPF", "DKIM", "DMARC"), Level.OK
    )


@pytest.mark.parametrize(
    ("kind", "name", "records", "level", "words"),
    [
        ("SPF", "shop.example", [], Level.BAD, "does not say which servers"),
        ("SPF", "shop.example", ["v=spf1 -all", "v=spf1 ~all"], Level.BAD, "two SPF records"),
        ("SPF", "shop.example", ["v=spf1 +all"], Level.BAD, "lets everybody send"),
        ("SPF", "shop.example", ["v=spf1 all"], Level.BAD, "lets everybody send"),
        ("SPF", "shop.example", ["v=spf1 a mx"], Level.WARNING, "nothing about other servers"),
        ("SPF", "shop.example", ["v=spf1 include:n0.example ~all"], Level.BAD, "more than 10 other names"),
        ("SPF", "shop.example", ["v=spf1 " + "a:x.example " * 10 + "~all"], Level.OK, "Make sure"),
        ("SPF", "shop.example", ["v=spf1 " + "a:x.example " * 11 + "~all"], Level.BAD, "more than 10"),
        ("SPF", "shop.example", ["v=spf1 include:shop.example ~all"], Level.OK, "Make sure"),
        ("SPF", "shop.example", ["v=spf1 redirect=relay.example"], Level.OK, "Make sure"),
        ("SPF", "shop.example", ["v=spf10 -all"], Level.BAD, "does not say"),
        ("DKIM", KEY[0], [], Level.BAD, "not in the DNS"),
        ("DKIM", KEY[0], ["v=DKIM1; p="], Level.BAD, "another key"),
        ("DKIM", KEY[0], ["v=DKIM1; p=MIIBother"], Level.BAD, "another key"),
        ("DKIM", KEY[0], ["v=DKIM1; p=MIIBother", "p=MIIBkey"], Level.OK, "the key is in the DNS"),
        ("DMARC", "_dmarc.shop.example", [], Level.WARNING, "has no DMARC record"),
        ("DMARC", "_dmarc.shop.example", ["v=DMARC1; p=none"], Level.OK, "watch only"),
        ("DMARC", "_dmarc.shop.example", ["v=DMARC1; p=perhaps"], Level.BAD, "cannot be read"),
        ("DMARC", "_dmarc.shop.example", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], Level.BAD, "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(kind: str, name: str, records: list[str], level: Level, words: str) -> None:
    stands, said, _record = found(GOOD | MANY | {name: records})[kind]
    assert (stands, words in said) == (level, True), said


def test_what_to_put_there_is_said_ready_to_copy() -> None:
    said = {kind: record for kind, (_level, _words, record) in found({}).items()}
    assert said == {
        "SPF": "v=spf1 a:mail.shop.example ~all",
        "DKIM": KEY[1],
        "DMARC": "v=DMARC1; p=none; rua=mailto:postmaster@shop.example",
    }


def test_dmarc_of_the_domain_above_counts() -> None:
    sending = Sending("news.shop.example", "news.shop.example", "mail.shop.example", None)
    assert found(GOOD, sending)["DMARC"][0] is Level.OK
    assert found(GOOD, sending)["DKIM"][:2] == (
        Level.BAD,
        "Its messages are not signed. Give the account a DKIM domain and a selector.",
    )


def test_a_signature_of_another_domain_is_said() -> None:
    sending = Sending("other.example", "other.example", "mail.shop.example", KEY)
    level, words, _record = found(GOOD, sending)["DKIM"]
    assert level is Level.WARNING and "another domain than other.example" in words

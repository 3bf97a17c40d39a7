"""What receivers find in the DNS: each record there, missing, broken, and of somebody else."""

from dataclasses import replace

import pytest

from app.channels.mail_dns import Level, Sending, StandIn, check

KEY = ("s1._domainkey.shop.example", "v=DKIM1; k=rsa; p=MIIBkey")
GOOD = {
    "shop.example": ["google-site-verification=1", "v=spf1 include:relay.example ~all"],
    "relay.example": ["v=spf1 ip4:192.0.2.0/24 -all"],
    KEY[0]: ["v=DKIM1; k=rsa; p=MIIB key"],
    "_dmarc.shop.example": ["v=DMARC1; p=quarantine; rua=mailto:dmarc@shop.example"],
}
SENDING = Sending("shop.example", "shop.example", "mail.shop.example", KEY)
SPARE = StandIn("Spare", "spare.shop.example")
WITH_SPARE = replace(SENDING, stand_in=SPARE)
PLACES = {"A mail.shop.example": ["192.0.2.1"], "A spare.shop.example": ["198.51.100.1"]}
MANY = {f"n{number}.example": [f"v=spf1 include:n{number + 1}.example -all"] for number in range(12)}


def found(texts: dict[str, list[str]], sending: Sending = SENDING) -> dict[str, tuple[Level, str, str]]:
    return {
        each.kind: (each.level, str(each.words), each.record)
        for each in check(sending, lambda name, kind: texts.get(name if kind == "TXT" else f"{kind} {name}", []))
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


def spf_of(texts: dict[str, list[str]], sending: Sending) -> list[tuple[Level, str]]:
    """Level and words of what is said about SPF."""
    made = check(sending, lambda name, kind: (texts | PLACES).get(name if kind == "TXT" else f"{kind} {name}", []))
    return [(each.level, str(each.words)) for each in made if each.kind == "SPF"]


def test_a_server_that_spf_names_is_said_to_be_among_them() -> None:
    assert spf_of(GOOD, SENDING) == [(Level.OK, "It says which servers may send, and mail.shop.example is among them.")]


def test_a_stand_in_that_spf_does_not_let_send_is_a_warning_with_what_to_add() -> None:
    (own, _words), (level, said) = spf_of(GOOD, WITH_SPARE)
    assert (own, level) == (Level.OK, Level.WARNING)
    assert said.startswith("It does not let spare.shop.example send, the server of the stand-in Spare")
    assert "Add a:spare.shop.example, " in said


def test_a_stand_in_that_spf_lets_send_is_fine() -> None:
    texts = GOOD | {"shop.example": ["v=spf1 include:relay.example a:spare.shop.example ~all"]}
    assert spf_of(texts, WITH_SPARE)[1] == (
        Level.OK,
        "It lets spare.shop.example send as well, the server of the stand-in Spare.",
    )


def test_the_return_path_of_the_account_is_what_a_stand_in_is_looked_up_for() -> None:
    sending = replace(WITH_SPARE, return_domain="bounce.shop.example")
    texts = GOOD | {"bounce.shop.example": ["v=spf1 ip4:192.0.2.1 ip4:198.51.100.1 -all"]}
    assert [level for level, _words in spf_of(texts, sending)] == [Level.OK, Level.OK]


def test_a_stand_in_on_the_same_server_needs_no_word_of_its_own() -> None:
    assert len(spf_of(GOOD, replace(SENDING, stand_in=StandIn("Spare", SENDING.server)))) == 1


def test_a_broken_record_is_mended_before_the_stand_in_is_looked_at() -> None:
    ((level, said),) = spf_of(GOOD | {"shop.example": ["v=spf1 +all"]}, WITH_SPARE)
    assert level is Level.BAD and "everybody" in said


def test_a_domain_without_a_record_is_told_one_for_both_servers() -> None:
    _level, _words, record = found({}, WITH_SPARE)["SPF"]
    assert record == "v=spf1 a:mail.shop.example a:spare.shop.example ~all"

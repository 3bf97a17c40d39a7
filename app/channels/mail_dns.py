"""Whether the DNS lets receivers trust the e-mails of an account: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489).

Pure: what stands in the DNS is asked through a function. SPF is looked at as it is written; whether the server's own
addresses are among those it names is not known here, because the server may send through others.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.kernel.texts import N_, Phrase

MOST_LOOKUPS = 10  # RFC 7208 4.6.4
ASKS = re.compile(r"[+?~-]?(include:|a\b|mx\b|ptr\b|exists:)|redirect=", re.I)

# The texts at a name, each whole; none for a name that has none or is not there. Raises DnsSilent.
Texts = Callable[[str], list[str]]


class DnsSilent(Exception):
    """No name server answered in time."""


class Level(StrEnum):
    """How a record stands."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One of the three. name: where its record stands; record: what to put there, "" when nothing is to do."""

    kind: str
    level: Level
    words: Phrase
    name: str
    record: str = ""


@dataclass(frozen=True, slots=True)
class Sending:
    """How an account sends. dkim: name and text of the record of its key, if it signs."""

    from_domain: str
    return_domain: str
    server: str
    dkim: tuple[str, str] | None


def check(sending: Sending, texts: Texts) -> list[Finding]:
    """The three findings, in the order SPF, DKIM, DMARC. Raises DnsSilent."""
    return [_spf(sending, texts), _dkim(sending, texts), _dmarc(sending, texts)]


def _spf(sending: Sending, texts: Texts) -> Finding:
    name = sending.return_domain

    def found(level: Level, words: Phrase, record: str = "") -> Finding:
        return Finding("SPF", level, words, name, record)

    records = _starting(texts(name), "v=spf1")
    if not records:
        words = N_("%(name)s does not say which servers may send for it.", name=name)
        return found(Level.BAD, words, f"v=spf1 a:{sending.server} ~all")
    if len(records) > 1:
        return found(Level.BAD, N_("%(name)s has two SPF records, so receivers use none. Make them one.", name=name))
    terms = records[0].lower().split()
    if "+all" in terms or "all" in terms:
        return found(Level.BAD, N_("Its SPF record lets everybody send as %(name)s. End it with ~all.", name=name))
    if _lookups(records[0], texts, {name}) > MOST_LOOKUPS:
        words = N_(
            "Its SPF record asks for more than %(most)s other names, so receivers use none of it. Shorten it.",
            most=MOST_LOOKUPS,
        )
        return found(Level.BAD, words)
    if not any(term.endswith("all") or term.startswith("redirect=") for term in terms):
        return found(Level.WARNING, N_("Its SPF record says nothing about other servers. End it with ~all."))
    return found(Level.OK, N_("It says which servers may send. Make sure that yours is among them."))


def _lookups(record: str, texts: Texts, seen: set[str]) -> int:
    """How many names receivers must ask for, up to one too many."""
    number = 0
    for term in record.split()[1:]:
        if not ASKS.match(term):
            continue
        number += 1
        way = re.match(r"[+?~-]?(?:include:|redirect=)([^/\s%]+)$", term, re.I)
        if way and way[1].lower() not in seen and number <= MOST_LOOKUPS:
            seen.add(way[1].lower())
            for inner in _starting(texts(way[1]), "v=spf1")[:1]:
                number += _lookups(inner, texts, seen)
        if number > MOST_LOOKUPS:
            break
    return number


def _dkim(sending: Sending, texts: Texts) -> Finding:
    if sending.dkim is None:
        words = N_("Its messages are not signed. Give the account a DKIM domain and a selector.")
        return Finding("DKIM", Level.BAD, words, "")
    name, record = sending.dkim

    def found(level: Level, words: Phrase, shown: str = "") -> Finding:
        return Finding("DKIM", level, words, name, shown)

    records = [tags for tags in map(_tags, texts(name)) if "p" in tags]
    if not records:
        return found(Level.BAD, N_("The key of the signature is not in the DNS."), record)
    if not any(tags["p"] == _tags(record)["p"] for tags in records):
        return found(Level.BAD, N_("The DNS has another key than the one that signs."), record)
    if not _is_aligned(name.partition("._domainkey.")[2], sending.from_domain):
        words = N_(
            "It is signed for another domain than %(name)s, which DMARC does not count.", name=sending.from_domain
        )
        return found(Level.WARNING, words)
    return found(Level.OK, N_("Its messages are signed, and the key is in the DNS."))


def _dmarc(sending: Sending, texts: Texts) -> Finding:
    domain = sending.from_domain
    labels = domain.split(".")
    for start in range(max(len(labels) - 1, 1)):  # the domain itself, then those above it
        name = f"_dmarc.{'.'.join(labels[start:])}"
        records = _starting(texts(name), "v=DMARC1")
        if not records:
            continue
        tags = _tags(records[0])
        if len(records) > 1 or tags.get("p", "").lower() not in ("none", "quarantine", "reject"):
            return Finding(
                "DMARC", Level.BAD, N_("Its DMARC record cannot be read. Write it anew."), name, _policy(domain)
            )
        if tags["p"].lower() == "none":
            words = N_("It asks receivers to watch only. Later p=quarantine protects your name.")
            return Finding("DMARC", Level.OK, words, name)
        return Finding("DMARC", Level.OK, N_("It tells receivers what to do with messages that are not yours."), name)
    words = N_("%(name)s has no DMARC record; large mailboxes want one of who sends a lot.", name=domain)
    return Finding("DMARC", Level.WARNING, words, f"_dmarc.{domain}", _policy(domain))


def _policy(domain: str) -> str:
    return f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"


def _starting(records: list[str], version: str) -> list[str]:
    return [each for each in records if re.match(rf"{version}(\s|;|$)", each, re.I)]


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): re.sub(r"\s", "", value) for name, equals, value in pairs if equals}


def _is_aligned(domain: str, other: str) -> bool:
    """Whether one of the two domains is the other, or lies below it."""
    one, two = f".{domain.lower()}", f".{other.lower()}"
    return one.endswith(two) or two.endswith(one)

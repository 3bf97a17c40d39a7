"""Whether the DNS lets receivers trust the e-mails of an account: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489).

Pure: what stands in the DNS is asked through a function. A server may send from other addresses than those it is
reached at: that SPF does not let it send is a warning at the most.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from app.channels import spf
from app.channels.spf import Records
from app.kernel.texts import N_, Phrase


class DnsSilent(Exception):
    """No name server answered in time."""


class Level(StrEnum):
    """How a record stands."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One of them. name: where its record stands; record: what to put there, "" when nothing is to do."""

    kind: str
    level: Level
    words: Phrase
    name: str
    record: str = ""


@dataclass(frozen=True, slots=True)
class StandIn:
    """The account over whose server the messages go while their own cannot be used."""

    name: str
    server: str


@dataclass(frozen=True, slots=True)
class Sending:
    """How an account sends. dkim: name and text of the record of its key, if it signs."""

    from_domain: str
    return_domain: str
    server: str
    dkim: tuple[str, str] | None
    stand_in: StandIn | None = None

    @property
    def servers(self) -> list[str]:
        """Those that its messages may go over."""
        return [self.server, *([self.stand_in.server] if self.stand_in else [])]


def check(sending: Sending, records: Records) -> list[Finding]:
    """The findings in the order SPF, SPF again for a stand-in with another server, DKIM, DMARC. Raises DnsSilent."""
    asked = cache(records)  # the names in a record are asked for again for each server
    return [*_spf(sending, asked), _dkim(sending, asked), _dmarc(sending, asked)]


def _spf(sending: Sending, records: Records) -> list[Finding]:
    name = sending.return_domain

    def found(level: Level, words: Phrase, record: str = "") -> list[Finding]:
        return [Finding("SPF", level, words, name, record)]

    written = spf.written_at(name, records)
    if not written:
        words = N_("%(name)s does not say which servers may send for it.", name=name)
        both = dict.fromkeys(map(spf.term_of, sending.servers))
        return found(Level.BAD, words, f"v=spf1 {' '.join(both)} ~all")
    if len(written) > 1:
        return found(Level.BAD, N_("%(name)s has two SPF records, so receivers use none. Make them one.", name=name))
    terms = written[0].lower().split()
    if "+all" in terms or "all" in terms:
        return found(Level.BAD, N_("Its SPF record lets everybody send as %(name)s. End it with ~all.", name=name))
    if spf.lookups(written[0], records, {name}) > spf.MOST_LOOKUPS:
        words = N_(
            "Its SPF record asks for more than %(most)s other names, so receivers use none of it. Shorten it.",
            most=spf.MOST_LOOKUPS,
        )
        return found(Level.BAD, words)
    of_stand_in = _spf_of_stand_in(sending, written[0], records)
    if not any(term.endswith("all") or term.startswith("redirect=") for term in terms):
        words = N_("Its SPF record says nothing about other servers. End it with ~all.")
        return found(Level.WARNING, words) + of_stand_in
    words = N_("It says which servers may send. Make sure that yours is among them.")
    if spf.lets(written[0], name, sending.server, records):
        words = N_("It says which servers may send, and %(host)s is among them.", host=sending.server)
    return found(Level.OK, words) + of_stand_in


def _spf_of_stand_in(sending: Sending, record: str, records: Records) -> list[Finding]:
    """Whether the stand-in's server may send with the return path of the account, which its messages keep."""
    if sending.stand_in is None or sending.stand_in.server == sending.server:
        return []
    name, host = sending.stand_in.name, sending.stand_in.server
    if spf.lets(record, sending.return_domain, host, records):
        words = N_("It lets %(host)s send as well, the server of the stand-in %(name)s.", host=host, name=name)
        return [Finding("SPF", Level.OK, words, sending.return_domain)]
    words = N_(
        "It does not let %(host)s send, the server of the stand-in %(name)s: receivers may refuse what goes over it. "
        "Add %(term)s, unless that server writes a return path of its own.",
        host=host,
        name=name,
        term=spf.term_of(host),
    )
    return [Finding("SPF", Level.WARNING, words, sending.return_domain)]


def _dkim(sending: Sending, records: Records) -> Finding:
    if sending.dkim is None:
        words = N_("Its messages are not signed. Give the account a DKIM domain and a selector.")
        return Finding("DKIM", Level.BAD, words, "")
    name, record = sending.dkim

    def found(level: Level, words: Phrase, shown: str = "") -> Finding:
        return Finding("DKIM", level, words, name, shown)

    keys = [tags for tags in map(_tags, records(name, "TXT")) if "p" in tags]
    if not keys:
        return found(Level.BAD, N_("The key of the signature is not in the DNS."), record)
    if not any(tags["p"] == _tags(record)["p"] for tags in keys):
        return found(Level.BAD, N_("The DNS has another key than the one that signs."), record)
    if not _is_aligned(name.partition("._domainkey.")[2], sending.from_domain):
        words = N_(
            "It is signed for another domain than %(name)s, which DMARC does not count.", name=sending.from_domain
        )
        return found(Level.WARNING, words)
    return found(Level.OK, N_("Its messages are signed, and the key is in the DNS."))


def _dmarc(sending: Sending, records: Records) -> Finding:
    domain = sending.from_domain
    labels = domain.split(".")
    for start in range(max(len(labels) - 1, 1)):  # the domain itself, then those above it
        name = f"_dmarc.{'.'.join(labels[start:])}"
        written = [each for each in records(name, "TXT") if re.match(r"v=DMARC1(\s|;|$)", each, re.I)]
        if not written:
            continue
        tags = _tags(written[0])
        if len(written) > 1 or tags.get("p", "").lower() not in ("none", "quarantine", "reject"):
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


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): re.sub(r"\s", "", value) for name, equals, value in pairs if equals}


def _is_aligned(domain: str, other: str) -> bool:
    """Whether one of the two domains is the other, or lies below it."""
    one, two = f".{domain.lower()}", f".{other.lower()}"
    return one.endswith(two) or two.endswith(one)

"""Asks name servers for the records at a name."""

from typing import Any

import dns.exception
import dns.resolver
from dns.rdatatype import MX, TXT

from app.channels.mail_dns import DnsSilent

TIMEOUT_SECONDS = 4.0


def records_at(name: str, kind: str, server: str = "") -> list[str]:
    """The records of a kind (TXT, A, AAAA or MX) at a name as texts: those of TXT with their pieces put together, those
    of MX the names of its servers. Raises DnsSilent.

    server: host:port of a name server; "" asks those of the machine.
    """
    resolver = dns.resolver.Resolver(configure=not server)
    if server:
        host, _colon, port = server.rpartition(":")
        resolver.nameservers, resolver.port = [host], int(port)
    resolver.lifetime = TIMEOUT_SECONDS
    try:
        answer = resolver.resolve(name, kind, raise_on_no_answer=False)
    except (dns.resolver.NXDOMAIN, dns.name.EmptyLabel, dns.name.LabelTooLong, dns.name.NameTooLong):
        return []
    except dns.exception.DNSException as error:
        raise DnsSilent(name) from error
    return [_text(record) for record in answer]


def _text(record: Any) -> str:
    if record.rdtype == TXT:
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record.exchange.to_text(omit_final_dot=True) if record.rdtype == MX else record.address)

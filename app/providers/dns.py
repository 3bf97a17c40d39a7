"""Asks name servers for the texts at a name."""

import dns.exception
import dns.resolver

from app.channels.mail_dns import DnsSilent

TIMEOUT_SECONDS = 4.0


def texts_at(name: str, server: str = "") -> list[str]:
    """The TXT records at a name, their pieces put together. Raises DnsSilent.

    server: host:port of a name server; "" asks those of the machine.
    """
    resolver = dns.resolver.Resolver(configure=not server)
    if server:
        host, _colon, port = server.rpartition(":")
        resolver.nameservers, resolver.port = [host], int(port)
    resolver.lifetime = TIMEOUT_SECONDS
    try:
        answer = resolver.resolve(name, "TXT", raise_on_no_answer=False)
    except (dns.resolver.NXDOMAIN, dns.name.EmptyLabel, dns.name.LabelTooLong, dns.name.NameTooLong):
        return []
    except dns.exception.DNSException as error:
        raise DnsSilent(name) from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

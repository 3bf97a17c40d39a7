"""What an SPF record says (RFC 7208): how many names receivers must ask for, and whether it lets a server send.

Pure: what stands in the DNS is asked through a function.
"""

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# The records of a kind (TXT, A, AAAA or MX) at a name, as texts, those of MX the names of its servers; none for a name
# that has none or is not there. Raises mail_dns.DnsSilent.
Records = Callable[[str, str], list[str]]
Address = IPv4Address | IPv6Address

MOST_LOOKUPS = 10  # RFC 7208 4.6.4
PASS = "+"  # the sign of a term that lets send, also of one without a sign
ASKS = re.compile(r"[+?~-]?(include:|a\b|mx\b|ptr\b|exists:)|redirect=", re.I)
INCLUDE = re.compile(r"include:([^/\s%]+)", re.I)
REDIRECT = re.compile(r"redirect=([^/\s%]+)", re.I)
NETWORK = re.compile(r"ip[46]:(\S+)", re.I)
HOSTS = re.compile(r"(a|mx)(?::([^/\s%]+))?(?:/(\d{1,2}))?(?://(\d{1,3}))?", re.I)

# Relays that send from other addresses than those they are reached at: what their pages on SPF say to include.
RELAYS = {
    "amazonaws.com": "amazonses.com",
    "gmail.com": "_spf.google.com",
    "mailgun.org": "mailgun.org",
    "mailjet.com": "spf.mailjet.com",
    "office365.com": "spf.protection.outlook.com",
    "postmarkapp.com": "spf.mtasv.net",
    "sendgrid.net": "sendgrid.net",
}


def written_at(name: str, records: Records) -> list[str]:
    """The SPF records at a name; more than one is none to receivers."""
    return [each for each in records(name, "TXT") if re.match(r"v=spf1(\s|$)", each, re.I)]


def lookups(record: str, records: Records, seen: set[str]) -> int:
    """How many names receivers must ask for, up to one too many. seen: those whose records were counted."""
    number = 0
    for term in record.split()[1:]:
        if not ASKS.match(term):
            continue
        number += 1
        name = _name_of_other(term)
        if name and name not in seen and number <= MOST_LOOKUPS:
            seen.add(name)
            for inner in written_at(name, records)[:1]:
                number += lookups(inner, records, seen)
        if number > MOST_LOOKUPS:
            break
    return number


def term_of(server: str) -> str:
    """What lets a server send when it stands in a record."""
    relay, address = _relay(server), _address(server)
    if relay:
        return f"include:{relay}"
    return f"ip{address.version}:{address}" if address is not None else f"a:{server}"


def lets(record: str, domain: str, server: str, records: Records) -> bool:
    """Whether the record of a domain, which asks for no more names than it may, lets a server send: from each of its
    addresses, and for a relay that is known to send from others, by the name that it wants to be included."""
    relay, address = _relay(server), _address(server)
    if relay:
        return relay in _others(record, records, {domain})
    found = [address] if address is not None else [*map(ip_address, records(server, "A") + records(server, "AAAA"))]
    return bool(found) and all(_sign(record, domain, each, records, {domain}) == PASS for each in found)


def _sign(record: str, domain: str, address: Address, records: Records, seen: set[str]) -> str:
    """The sign of the first term that is about this address; "" without one."""
    for term in record.split()[1:]:
        sign, way = (term[0], term[1:]) if term[0] in "+?~-" else (PASS, term)
        if _is_about(way, domain, address, records, seen):
            return sign
    for term in record.split()[1:]:
        if name := _matched(REDIRECT, term):
            return _of_other(name, address, records, seen)
    return ""


def _is_about(way: str, domain: str, address: Address, records: Records, seen: set[str]) -> bool:
    if way.lower() == "all":
        return True
    if name := _matched(INCLUDE, way):
        return _of_other(name, address, records, seen) == PASS
    if network := _matched(NETWORK, way):
        return _is_in(address, network)
    if found := HOSTS.fullmatch(way.lower()):
        kind, name, length4, length6 = found.groups()
        hosts = [name or domain] if kind == "a" else records(name or domain, "MX")
        length = (length4 if address.version == 4 else length6) or address.max_prefixlen
        wanted = "A" if address.version == 4 else "AAAA"
        return any(_is_in(address, f"{each}/{length}") for host in hosts for each in records(host, wanted))
    return False  # ptr, which nobody should use, and what depends on the message


def _of_other(name: str, address: Address, records: Records, seen: set[str]) -> str:
    """The sign that the record at another name has for this address; "" for one that is being read already."""
    inner = written_at(name, records)[:1] if name not in seen else []
    return _sign(inner[0], name, address, records, seen | {name}) if inner else ""


def _others(record: str, records: Records, seen: set[str]) -> Iterator[str]:
    """The names whose records this one takes in, and those that they take in."""
    for term in record.split()[1:]:
        name = _name_of_other(term)
        if name and name not in seen:
            seen.add(name)
            yield name
            for inner in written_at(name, records)[:1]:
                yield from _others(inner, records, seen)


def _name_of_other(term: str) -> str:
    return _matched(INCLUDE, term.lstrip("+?~-")) or _matched(REDIRECT, term)


def _matched(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.fullmatch(text)
    return found[1].lower() if found else ""


def _is_in(address: Address, network: str) -> bool:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:  # a record that is written wrongly lets nobody send by that
        return False


def _address(server: str) -> Address | None:
    try:
        return ip_address(server.strip("[]"))
    except ValueError:
        return None


def _relay(server: str) -> str:
    return next((named for domain, named in RELAYS.items() if f".{server.lower()}".endswith(f".{domain}")), "")

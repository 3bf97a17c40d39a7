"""The pace of an SMTP account to single recipient domains, as people write it: "gmail.com 20 a minute". Pure."""

import re
from collections.abc import Iterable, Mapping

from app.channels.address import normalise_email
from app.kernel.errors import InvalidInput

MOST_DOMAINS, MOST_PER_MINUTE = 50, 10_000
FIELD = "domain_paces"
LINE = re.compile(r"(\S+?)\s*[:=]?\s+([0-9]{1,9})(?:\s*(?:a|per|na|/)\s*(?:minute|minutę|min\.?))?", re.IGNORECASE)


def read(lines: Iterable[str]) -> dict[str, int]:
    """Messages a minute by domain, one line for each. Raises InvalidInput."""
    found: dict[str, int] = {}
    for line in lines:
        parts = LINE.fullmatch(line.strip())
        if parts is None:
            raise InvalidInput(
                "Write a domain and a number in each line, such as gmail.com 20 a minute: %(line)s",
                FIELD,
                line=line[:80],
            )
        domain = _domain(parts[1])
        if domain in found:
            raise InvalidInput("The domain %(domain)s stands twice.", FIELD, domain=domain)
        found[domain] = int(parts[2])
    return found


def lines(paces: Mapping[str, int] | None) -> list[str]:
    """The same as people write it."""
    return [f"{domain} {per_minute} a minute" for domain, per_minute in sorted((paces or {}).items())]


def checked(paces: Mapping[str, int] | None) -> dict[str, int] | None:
    """Paces as they are stored, domains as in normalised addresses; None for none. Raises InvalidInput."""
    found: dict[str, int] = {}
    for name, per_minute in (paces or {}).items():
        is_whole = isinstance(per_minute, int) and not isinstance(per_minute, bool)
        if not is_whole or not 1 <= per_minute <= MOST_PER_MINUTE:
            raise InvalidInput(
                "Choose a whole number from 1 to %(most)s for %(domain)s.",
                FIELD,
                most=MOST_PER_MINUTE,
                domain=name[:80],
            )
        found[_domain(name)] = per_minute
    if len(found) > MOST_DOMAINS:
        raise InvalidInput("At most %(most)s domains can have a pace of their own.", FIELD, most=MOST_DOMAINS)
    return dict(sorted(found.items())) or None


def domain_of(email: str) -> str:
    """The domain of a normalised address."""
    return email.rpartition("@")[2]


def _domain(text: str) -> str:
    try:
        return domain_of(normalise_email(f"a@{text.removeprefix('@')}"))
    except InvalidInput as error:
        raise InvalidInput("%(domain)s is no domain such as gmail.com.", FIELD, domain=text[:80]) from error

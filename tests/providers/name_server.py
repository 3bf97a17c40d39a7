"""A small name server on loopback that knows the texts of some names, and other records."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@contextmanager
def serving(
    texts: dict[str, list[str]], others: dict[tuple[str, str], list[str]] | None = None, is_silent: bool = False
) -> Iterator[str]:
    """Its address as host:port. texts: the TXT records by name; others: more records by kind and name, as a zone file
    has them. A name that is in neither does not exist."""
    known = {("TXT", name): [_in_pieces(text) for text in found] for name, found in texts.items()} | (others or {})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(0.1)
        stop = threading.Event()

        def answer() -> None:
            while not stop.is_set():
                try:
                    asked, sender = bound.recvfrom(4096)
                except TimeoutError:
                    continue
                if not is_silent:
                    bound.sendto(_answer(dns.message.from_wire(asked), known).to_wire(), sender)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"127.0.0.1:{bound.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


def _in_pieces(text: str) -> str:
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))


def _answer(asked: dns.message.Message, known: dict[tuple[str, str], list[str]]) -> dns.message.Message:
    made = dns.message.make_response(asked)
    made.flags |= dns.flags.RA
    (question,) = asked.question
    name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
    if not any(each == name for _kind, each in known):
        made.set_rcode(dns.rcode.NXDOMAIN)
    elif found := known.get((kind, name)):
        made.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
    return made

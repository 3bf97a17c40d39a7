"""A small name server on loopback that knows the texts of some names."""

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
def serving(texts: dict[str, list[str]], is_silent: bool = False) -> Iterator[str]:
    """Its address as host:port. texts: the TXT records by name; a name that is not there does not exist."""
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
                    bound.sendto(_answer(dns.message.from_wire(asked), texts).to_wire(), sender)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"127.0.0.1:{bound.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


def _answer(asked: dns.message.Message, texts: dict[str, list[str]]) -> dns.message.Message:
    made = dns.message.make_response(asked)
    made.flags |= dns.flags.RA
    (question,) = asked.question
    found = texts.get(question.name.to_text(omit_final_dot=True).lower())
    if found is None:
        made.set_rcode(dns.rcode.NXDOMAIN)
    elif found and question.rdtype == dns.rdatatype.TXT:
        pieces = [" ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255)) for text in found]
        made.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", *pieces))
    return made

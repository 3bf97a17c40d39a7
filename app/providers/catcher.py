"""`python -m app.providers.catcher …` (its arguments are in main): the mail server of the demo, delivers nothing.

Beside it, in the same process, run the push service of the demo (push_catcher.py) and its Twilio (text_catcher.py).
Listens on the loopback interface only and keeps the newest mails as files, with the envelope in front as a mail server
writes it: Return-Path, and Delivered-To for each recipient.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from app.kernel.message_folder import MessageWriter
from app.providers import push_catcher, text_catcher
from app.providers.loopback import HOST

MAX_MAIL_BYTES = 16 * 2**20
MAX_RECIPIENTS = 100
IDLE_SECONDS = 120


class Catcher:
    """What aiosmtpd asks about every mail."""

    def __init__(self, writer: MessageWriter) -> None:
        self._writer = writer

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take everybody, up to a number."""
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep the mail."""
        content = envelope.content
        assert isinstance(content, bytes)  # decode_data is off
        lines = [f"Return-Path: <{envelope.mail_from or ''}>", *(f"Delivered-To: {to}" for to in envelope.rcpt_tos)]
        try:
            self._writer.add("".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape") + content)
        except OSError as error:
            return f"452 4.3.1 The mail cannot be kept: {error.strerror}"
        return "250 2.0.0 OK"


def server_protocol(writer: MessageWriter) -> SMTP:
    """The protocol of one connection."""
    return SMTP(
        Catcher(writer),
        data_size_limit=MAX_MAIL_BYTES,
        enable_SMTPUTF8=True,
        hostname="catcher.localhost",
        ident="Muster demo",
        timeout=IDLE_SECONDS,
        loop=asyncio.get_running_loop(),
    )


async def serve(port: int, folder: Path) -> None:
    """Catch mails until SIGTERM or SIGINT."""
    writer = MessageWriter(folder)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(lambda: server_protocol(writer), HOST, port)
    try:
        await stopped.wait()
    finally:
        server.close()


def main(arguments: list[str]) -> int:
    """Serve; 1 when the port or the folder cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m app.providers.catcher", description="Catches what the demo sends.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--push-port", type=int, required=True)
    parser.add_argument("--text-port", type=int, required=True)
    parser.add_argument("--panel", required=True, help="the address of the panel on this machine")
    parser.add_argument("--folder", type=Path, required=True, help="keeps the mails")
    parser.add_argument("--text-folder", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        texts = text_catcher.catching(given.text_port, given.text_folder, given.panel)
        with push_catcher.catching(given.push_port), texts:
            asyncio.run(serve(given.port, given.folder))
    except OSError as error:
        print(f"The catcher cannot start: {error.strerror or error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

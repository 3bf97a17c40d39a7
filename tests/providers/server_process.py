"""The command line of the test server: python -m tests.providers.servers --port PORT --log FILE."""

import argparse
import os
import time
from collections.abc import Callable

from tests.providers.script import Accepted, Moment, Script, random_faults
from tests.providers.servers import Server


def _appender(path: str) -> Callable[[str], None]:
    """A function that adds a line to a file at once, so that it survives a kill."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(line: str) -> None:
        os.write(handle, line.encode() + b"\n")

    return append


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.providers.servers", description="A scriptable SMTP server.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", help="a line per accepted message: time message-id recipient answered|dropped")
    parser.add_argument("--refusals", help="a line per refusal: time stage code recipient")
    parser.add_argument("--reply-delay", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--accept-delay", type=float, default=0.0, metavar="SECONDS")
    for rate in ("--accept-then-drop", "--tempfail", "--permfail"):
        parser.add_argument(rate, type=float, default=0.0, metavar="RATE")
    parser.add_argument("--no-pipelining", action="store_true")
    parser.add_argument("--blackhole", action="store_true", help="take connections and never say a word")
    parser.add_argument("--seed", type=int)
    return parser.parse_args()


def main() -> None:
    """Serve until killed."""
    given = _arguments()
    faults = random_faults(
        accept_then_drop=given.accept_then_drop, tempfail=given.tempfail, permfail=given.permfail, seed=given.seed
    )
    script = Script(
        rules=[faults],
        pipelining=not given.no_pipelining,
        reply_delay=given.reply_delay,
        accept_delay=given.accept_delay,
        blackhole=given.blackhole,
        keep_content=False,
    )
    server = Server(script, port=given.port)
    if given.log:
        log = _appender(given.log)

        def accepted(message: Accepted) -> None:
            end = "answered" if message.is_answered else "dropped"
            log(f"{time.time():.6f} {message.message_id or '-'} {message.recipient} {end}")

        server.on_accept = accepted
    if given.refusals:
        refusals = _appender(given.refusals)

        def refused(moment: Moment, reply: str) -> None:
            refusals(f"{time.time():.6f} {moment.stage} {reply[:3]} {moment.recipient or '-'}")

        server.on_refuse = refused
    server.serve()

"""The event loop that sends a feed over several connections in one thread."""

import selectors
import ssl

from app.channels.contract import Fault, Feed, Outcome, Outgoing, Reason, RunReport, SendResult, SmtpSettings
from app.kernel import clock
from app.kernel.texts import N_
from app.providers.smtp_address import Address, resolve, tls_context
from app.providers.smtp_codes import ACCEPTED, DETAIL_LENGTH, Stage, classify, slow_down_words
from app.providers.smtp_connection import READ, SLOWEST_BYTES_PER_SECOND, WRITE, Connection, Phase
from app.providers.smtp_dialogue import ALL_WELL, DOT, Next
from app.providers.smtp_intake import Intake, not_transmitted
from app.providers.smtp_replies import ConnectionFailed, Reply, printable

TICK_SECONDS = 0.05
LEAVE_SECONDS = 1.0  # for the server to hang up after QUIT
IDLE_SECONDS = 20.0  # below the minute or so after which servers hang up
MAX_STRIKES = 5  # provider-level errors in a row that end a run
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0  # before one more connection is tried beside working ones


class Run:
    """One run. A taken message is in exactly one place until it is reported: it waits in the intake, or its envelope
    is offered on a connection, or its content is handed over on one.
    """

    def __init__(
        self, settings: SmtpSettings, feed: Feed[Outgoing], limit: int, trace: list[str] | None = None
    ) -> None:
        self._settings, self._feed, self._limit, self._trace = settings, feed, limit, trace
        self._selector = selectors.DefaultSelector()
        self._context: ssl.SSLContext | None = None
        self._addresses: list[Address] = []
        self._connections: set[Connection] = set()
        self._leaving: set[Connection] = set()  # have said QUIT; they count until the server has hung up
        self._free: dict[Connection, None] = {}  # last in, first out, so that the surplus grows old and is closed
        self._ready = 0
        self._intake = Intake(feed, self._end_by)
        self._is_winding_up = False
        self._tick_at = self._open_at = 0.0
        self._pause = FIRST_PAUSE_SECONDS
        self._strikes = 0
        self._accepted = 0
        self._slow_down = ""
        self._failure: ConnectionFailed | None = None

    def go(self) -> RunReport:
        """Run until the feed is over, stopped, or the server cannot be used."""
        try:
            now = clock.steady()
            while True:
                if now >= self._tick_at:
                    self._tick(now)
                self._fill(now)
                if self._intake.is_drained:
                    break
                events = self._selector.select(self._patience(now))
                now = clock.steady()
                for key, mask in events:
                    self._serve(key.data, mask, now)
            for connection in self._connections:
                connection.quit()
        finally:
            for connection in self._connections | self._leaving:
                connection.close()
            self._selector.close()
        failure = self._failure
        if failure is None:
            return RunReport(self._accepted, slow_down=self._slow_down)
        return RunReport(self._accepted, failure.fault, failure.code, _short(failure.detail), self._slow_down)

    # --- time

    def _tick(self, now: float) -> None:
        self._tick_at = now + TICK_SECONDS
        if not self._feed.tick() and not self._is_winding_up:
            self._wind_up(not_transmitted())
        for connection in [each for each in self._leaving if each.deadline <= now]:
            self._discard(connection)
        for connection in [each for each in self._connections if each.deadline <= now]:
            if connection in self._free:
                self._leave(connection, now)
                continue
            try:
                if connection.phase is not Phase.CLOSED:  # by the end of the run, which another one's failure may be
                    connection.expire(now)
            except ConnectionFailed as failure:
                self._fail(connection, failure, now)

    def _patience(self, now: float) -> float:
        wait = self._tick_at - now
        if not self._intake.is_over and (self._free or self._may_open(now)):
            wait = min(wait, self._intake.take_at - now)
        return max(wait, 0.0)

    # --- opening connections

    def _fill(self, now: float) -> None:
        """Give free connections work, and open more as long as there is more work than connections."""
        while self._free and (self._intake.waiting or not self._intake.is_over):
            connection = next(reversed(self._free))
            try:
                if not self._offer_next(connection, now):
                    break
            except ConnectionFailed as failure:
                self._fail(connection, failure, now)
        while self._may_open(now):
            if len(self._intake.waiting) <= len(self._connections) - self._ready:
                message = self._intake.take(now)
                if message is None:
                    return
                self._intake.waiting.append(message)
            self._open(now)

    def _may_open(self, now: float) -> bool:
        """The first connection goes alone: a wrong password is tried once, not twenty times."""
        if self._is_winding_up or len(self._connections) + len(self._leaving) >= self._limit:
            return False
        return now >= self._open_at if self._ready else not self._connections

    def _open(self, now: float) -> None:
        if not self._addresses:
            try:
                self._context = tls_context(self._settings)
                self._addresses = resolve(self._settings, self._ask_to_go_on)
            except ConnectionFailed as failure:
                self._end(failure)
            if self._is_winding_up:
                return
            now = clock.steady()
        connection = Connection(self._settings, self._context, self._selector, self._trace)
        self._connections.add(connection)
        try:
            connection.start(self._addresses, now)
        except ConnectionFailed as failure:
            self._fail(connection, failure, now)

    def _ask_to_go_on(self) -> bool:
        self._tick(clock.steady())
        return not self._is_winding_up

    # --- what connections bring

    def _serve(self, connection: Connection, mask: int, now: float) -> None:
        phase = connection.phase
        if phase is Phase.CLOSED:
            return  # by an event before this one
        if phase is Phase.LEAVING:
            self._hear_goodbye(connection)
            return
        try:
            if phase is not Phase.READY:
                if connection.advance(mask, now):
                    self._ready += 1
                    self._pause = FIRST_PAUSE_SECONDS
                    self._go_free(connection, now)
                return
            if mask & WRITE and connection.has_unwritten:
                connection.flush(now)
            if mask & READ:
                self._listen(connection, now)
        except ConnectionFailed as failure:
            self._fail(connection, failure, now)

    def _listen(self, connection: Connection, now: float) -> None:
        data = connection.receive()
        dialogue, reader = connection.dialogue, connection.reader
        if dialogue.is_steady and reader.is_empty and not connection.dot_left and ALL_WELL.fullmatch(data):
            # The ordinary case: one read, one write. The long way below does the same, reply by reply.
            connection.carried = True
            self._settle(dialogue.hear_all_well(), ACCEPTED.result)
            self._go_ahead(connection, now)
            return
        reader.feed(data)
        while connection.phase is Phase.READY and (reply := reader.next()) is not None:
            connection.note_reply(reply)
            self._hear(connection, reply, now)

    def _hear_goodbye(self, connection: Connection) -> None:
        """The answer to QUIT says nothing new; the server's end behind it does: until then it counts the connection."""
        try:
            connection.receive()
        except ConnectionFailed:
            self._discard(connection)
        if connection.has_unwritten:  # even QUIT does not leave
            self._discard(connection)

    def _hear(self, connection: Connection, reply: Reply, now: float) -> None:
        dialogue = connection.dialogue
        if reply.code // 100 == 4:
            self._slow_down = self._slow_down or slow_down_words(reply.label, reply.words)
        if connection.dot_left and dialogue.expects is Stage.END:
            self._hear_too_early(connection, reply)
        heard = dialogue.hear(reply)
        connection.deadline = now + self._settings.reply_timeout_seconds
        if heard.message is not None and heard.result is not None:
            connection.carried = connection.carried or heard.result.fault is not Fault.PROVIDER
            self._settle(heard.message, heard.result)
            if self._is_winding_up and connection.phase is Phase.READY:
                self._leave(connection, now)
            if connection.phase is not Phase.READY:
                return
        match heard.next:
            case Next.COMMAND:
                connection.write(dialogue.command())
            case Next.GO_AHEAD:
                self._go_ahead(connection, now)
            case Next.FREE:
                self._go_free(connection, now)
            case Next.CLOSE:
                self._put_back(connection, not_transmitted(Fault.PROVIDER), is_suspect=False)
                self._discard(connection)

    def _hear_too_early(self, connection: Connection, reply: Reply) -> None:
        """An answer before the content's end was written: a refusal counts, but the rest of it must not follow."""
        dialogue = connection.dialogue
        result = classify(Stage.END, reply).result
        if result.outcome in (Outcome.REFUSED, Outcome.DEFERRED) and dialogue.handed is not None:
            message, dialogue.handed = dialogue.handed, None
            connection.carried = True
            self._settle(message, result)
        raise ConnectionFailed(Fault.PROVIDER, reply.words[:DETAIL_LENGTH], reply.label)

    def _go_ahead(self, connection: Connection, now: float) -> None:
        """Write the content of the offered message, and behind it the envelope of the next one if there is one."""
        dialogue = connection.dialogue
        message = dialogue.offered
        assert message is not None
        if not connection.reader.is_empty:
            raise ConnectionFailed(Fault.PROVIDER, N_("The server answers more than it was asked."))
        following, lines = None, b""
        connection.left -= 1
        if dialogue.is_pipelined and connection.left > 0:
            found = self._intake.next_envelope(dialogue.offers, now)
            if connection.phase is not Phase.READY:  # the next message ended the run
                return
            if found is not None:
                following, lines = found
        if not self._feed.hand_over(message.ref):
            dialogue.offered = None
            self._intake.report(message, not_transmitted())
            if following is not None:
                self._intake.put_back(following, not_transmitted(), is_suspect=False)
            self._discard(connection)  # without the final dot nothing has left
            return
        dialogue.hand(following)
        content = message.content
        connection.deadline = now + self._settings.accept_timeout_seconds
        connection.write(content + DOT + lines, dot=len(content) + len(DOT))
        if connection.dot_left:
            connection.deadline += len(content) / SLOWEST_BYTES_PER_SECOND

    def _go_free(self, connection: Connection, now: float) -> None:
        """The connection owes and is owed nothing: give it the next message or let it wait."""
        if not connection.reader.is_empty:
            raise ConnectionFailed(Fault.PROVIDER, N_("The server answers more than it was asked."))
        if self._is_winding_up or connection.left <= 0:
            self._leave(connection, now)
        elif not self._offer_next(connection, now) and connection.phase is Phase.READY:
            connection.deadline = now + IDLE_SECONDS
            self._free[connection] = None

    def _offer_next(self, connection: Connection, now: float) -> bool:
        found = self._intake.next_envelope(connection.dialogue.offers, now)
        if found is None:
            return False
        self._free.pop(connection, None)
        connection.deadline = now + self._settings.reply_timeout_seconds
        connection.write(connection.dialogue.offer(*found))
        return True

    # --- ends

    def _settle(self, message: Outgoing, result: SendResult) -> None:
        """Report the server's answer about a message, and draw what it says about the server."""
        self._intake.report(message, result)
        if result.outcome is Outcome.ACCEPTED:
            self._accepted += 1
        if result.fault is Fault.SENDER:
            self._end_by(result)
        elif result.fault is Fault.PROVIDER:
            self._strike(ConnectionFailed(Fault.PROVIDER, result.detail, result.code))
        else:
            self._strikes = 0

    def _fail(self, connection: Connection, failure: ConnectionFailed, now: float) -> None:
        """A connection is lost: settle what was on it, and decide what that says about the server."""
        was_ready = connection.phase is Phase.READY
        self._slow_down = self._slow_down or slow_down_words(failure.code, failure.detail)
        is_strike = was_ready and self._lose_messages(connection, failure)
        self._discard(connection)
        if is_strike:
            self._strike(failure)
        elif was_ready:
            return
        elif not self._connections:
            self._end(failure)
        else:
            self._open_at = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def _lose_messages(self, connection: Connection, failure: ConnectionFailed) -> bool:
        """Settle what was on a lost connection. True: the loss is an error, not a server's way of saying goodbye."""
        dialogue, code, detail = connection.dialogue, failure.code, _short(failure.detail)
        handed, dialogue.handed = dialogue.handed, None
        back = not_transmitted(Fault.PROVIDER, code, detail)
        if handed is not None:
            lost = SendResult(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST, code, detail)
            self._intake.report(handed, back if connection.dot_left else lost)
        # A connection that has carried messages may end before any other: the message it was offered has no part in it.
        is_error = failure.is_timeout or not connection.carried
        has_offered = self._put_back(connection, back, is_suspect=is_error)
        return handed is not None or (has_offered and is_error)

    def _put_back(self, connection: Connection, why: SendResult, *, is_suspect: bool) -> bool:
        """Take the offered message, which has not left, off a connection."""
        message, connection.dialogue.offered = connection.dialogue.offered, None
        if message is not None:
            self._intake.put_back(message, why, is_suspect=is_suspect)
        return message is not None

    def _discard(self, connection: Connection) -> None:
        """Close at once."""
        self._free.pop(connection, None)
        self._leaving.discard(connection)
        self._connections.discard(connection)
        if connection.phase is Phase.READY:
            self._ready -= 1
        connection.close()

    def _leave(self, connection: Connection, now: float) -> None:
        """Part from a connection on which nothing is handed over: politely if it is our turn to speak."""
        if connection.dialogue.expects is not None or connection.has_unwritten:
            self._discard(connection)
            return
        self._free.pop(connection, None)
        self._connections.remove(connection)
        self._ready -= 1
        self._leaving.add(connection)
        connection.deadline = now + LEAVE_SECONDS
        connection.quit()

    def _strike(self, failure: ConnectionFailed) -> None:
        self._strikes += 1
        if self._strikes >= MAX_STRIKES:
            self._end(failure)

    def _end_by(self, result: SendResult) -> None:
        self._end(ConnectionFailed(result.fault or Fault.PROVIDER, result.detail, result.code))

    def _end(self, failure: ConnectionFailed) -> None:
        """The server cannot be used: nothing more is handed over."""
        if not self._is_winding_up:
            self._failure = failure
            self._wind_up(not_transmitted(failure.fault, failure.code, _short(failure.detail)))

    def _wind_up(self, result: SendResult) -> None:
        """Give back all that was not handed over; connections with an answer to come stay open for it."""
        self._is_winding_up = True
        self._intake.close(result)
        for connection in list(self._connections):
            dialogue = connection.dialogue
            if connection.phase is not Phase.READY:
                self._discard(connection)
                continue
            offered, dialogue.offered = dialogue.offered, None
            if offered is not None:
                self._intake.report(offered, result)
            if dialogue.handed is None:
                self._leave(connection, clock.steady())


def _short(detail: str) -> str:
    return printable(detail)[:DETAIL_LENGTH]

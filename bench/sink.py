"""An SMTP sink of our own where postfix's lacks something: STARTTLS, and replies that come late.

`python -m bench.sink --port P [--certificate FILE] [--delay SECONDS]`: one process, an event loop, keeps nothing.
"""

import argparse
import contextlib
import heapq
import selectors
import socket
import ssl
import time

CAPABILITIES = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
END = b"\r\n.\r\n"


class Client:
    """One connection: what came in and is not read yet, and where in the dialogue it is."""

    __slots__ = ("in_data", "pending", "socket")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.pending = b""
        self.in_data = False


class Sink:
    """Accepts everything."""

    def __init__(self, port: int, certificate: str | None, delay: float) -> None:
        self.delay = delay
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)
        self.loop = selectors.DefaultSelector()
        self.late: list[tuple[float, int, Client, bytes]] = []
        self.count = 0
        listener = socket.create_server(("127.0.0.1", port), backlog=400)
        self.loop.register(listener, selectors.EVENT_READ, None)

    def run(self) -> None:
        """Serve until killed."""
        while True:
            wait = max(0.0, self.late[0][0] - time.monotonic()) if self.late else None
            for key, _ in self.loop.select(wait):
                if key.data is None:
                    self.accept(key.fileobj)  # type: ignore[arg-type]
                else:
                    self.read(key.data)
            while self.late and self.late[0][0] <= time.monotonic():
                _, _, client, reply = heapq.heappop(self.late)
                with contextlib.suppress(OSError):  # it may have gone meanwhile
                    client.socket.sendall(reply)

    def accept(self, listener: socket.socket) -> None:
        """Greet a new connection."""
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(connection)
        self.loop.register(connection, selectors.EVENT_READ, client)
        self.answer(client, b"220 sink\r\n")

    def answer(self, client: Client, reply: bytes) -> None:
        """Send a reply, now or late."""
        if not reply:
            return
        if self.delay:
            self.count += 1
            heapq.heappush(self.late, (time.monotonic() + self.delay, self.count, client, reply))
        else:
            client.socket.sendall(reply)

    def read(self, client: Client) -> None:
        """Take what came and answer all of it at once, as a server that honours PIPELINING does."""
        try:
            data = client.socket.recv(65_536)
            while isinstance(client.socket, ssl.SSLSocket) and client.socket.pending():
                data += client.socket.recv(65_536)
        except OSError:
            data = b""
        if not data:
            self.close(client)
            return
        client.pending += data
        replies: list[bytes] = []
        while self.step(client, replies):
            pass
        self.answer(client, b"".join(replies))

    def step(self, client: Client, replies: list[bytes]) -> bool:
        """Take one command or one message from what came; False when it is not whole yet."""
        if client.in_data:
            body, found, rest = client.pending.partition(END)
            if not found:
                return False
            client.pending, client.in_data = rest, False
            replies.append(b"250 taken\r\n")
            return True
        line, found, rest = client.pending.partition(b"\r\n")
        if not found:
            return False
        client.pending = rest
        verb = line[:4].upper()
        if verb == b"DATA":
            client.in_data = True
            replies.append(b"354 go on\r\n")
        elif verb in (b"EHLO", b"HELO"):
            offers_tls = self.tls is not None and not isinstance(client.socket, ssl.SSLSocket)
            replies.append(CAPABILITIES + (b"250 STARTTLS\r\n" if offers_tls else b"250 HELP\r\n"))
        elif verb == b"STAR" and self.tls is not None:
            client.socket.sendall(b"220 go on\r\n")
            self.loop.unregister(client.socket)
            client.socket = self.tls.wrap_socket(client.socket, server_side=True)
            self.loop.register(client.socket, selectors.EVENT_READ, client)
        else:
            replies.append(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
        return True

    def close(self, client: Client) -> None:
        """Forget a connection."""
        self.loop.unregister(client.socket)
        client.socket.close()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    Sink(options.port, options.certificate, options.delay).run()


if __name__ == "__main__":
    main()

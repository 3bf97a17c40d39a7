"""A server that answers every POST with 201 after a while, as a provider of text messages or a push service does."""

import argparse
import asyncio
import itertools
import json


class Answers:
    """Connections stay open. delay_seconds: how long each answer takes."""

    def __init__(self, delay_seconds: float) -> None:
        self._delay, self._numbers = delay_seconds, itertools.count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes over one connection until it is closed."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(_length_of(head))
                await asyncio.sleep(self._delay)
                writer.write(self._answer())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self) -> bytes:
        body = json.dumps({"sid": f"SM{next(self._numbers):032x}", "status": "queued"}).encode()
        head = f"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


def _length_of(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in lines if name == b"content-length"), 0)


async def listen(port: int, delay_seconds: float) -> None:
    """Serve on a port of the loopback interface until the process is ended."""
    server = await asyncio.start_server(Answers(delay_seconds).serve, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, required=True, help="seconds")
    options = parser.parse_args()
    asyncio.run(listen(options.port, options.delay))

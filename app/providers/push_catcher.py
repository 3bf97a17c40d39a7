"""The push service of the demo: takes every notification and shows it nowhere; devices under /gone/ are gone."""

from contextlib import AbstractContextManager

from app.providers.loopback import LoopbackHandler, serving

GONE_PATH = "/gone/"


class _Handler(LoopbackHandler):
    max_body_bytes = 4096 + 1024  # a push service takes 4,096 (RFC 8030); the rest is for those who test that

    def do_POST(self) -> None:
        """Answer as a push service does: created, or gone."""
        if self.read_body() is not None:
            self.say(410 if self.path.startswith(GONE_PATH) else 201)


def catching(port: int) -> AbstractContextManager[None]:
    """Take notifications on this port of the loopback interface. Raises OSError when it cannot be used."""
    return serving(port, _Handler)

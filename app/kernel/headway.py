"""How far long work has come, told to whoever looks on while nothing of it can be read from the database yet.

Kept in Redis for a minute after it was told last: a transaction that is not committed and an answer that is still
being made can be followed by it, and work that died is not said to go on. Nothing depends on it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from redis import RedisError

from app.kernel import clock, queues

log = logging.getLogger(__name__)

KEPT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Headway:
    """done of whole since began_at (aware, UTC); both count the same things, whichever the work counts."""

    began_at: datetime
    done: int
    whole: int

    @property
    def share(self) -> float:
        """How much of all of it is done, 0 to 1."""
        return min(self.done / self.whole, 1.0) if self.whole else 0.0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.done >= self.whole


class Teller:
    """Tells how far one work has come. A Redis that does not answer is not asked a second time."""

    def __init__(self, key: str, whole: int) -> None:
        """key: what the work is known by; whole: how much there is to do."""
        self._key, self._whole = _key(key), whole
        self._began = clock.utcnow().isoformat()
        self._is_heard = True

    def tell(self, done: int) -> None:
        """So much is done now."""
        if not self._is_heard:
            return
        try:
            with queues.redis().pipeline() as pipe:
                pipe.hset(self._key, mapping={"began_at": self._began, "done": done, "whole": self._whole})
                pipe.expire(self._key, KEPT_SECONDS)
                pipe.execute()
        except RedisError as error:
            self._is_heard = False
            log.warning("headway not told", extra={"error": type(error).__name__})

    def over(self) -> None:
        """All of it is done."""
        self.tell(self._whole)


def of(key: str) -> Headway | None:
    """How far the work has come; None when nothing was told of it in the last minute, or Redis does not answer."""
    try:
        began_at, done, whole = cast(list[bytes | None], queues.redis().hmget(_key(key), ["began_at", "done", "whole"]))
    except RedisError:
        return None
    if began_at is None or done is None or whole is None:
        return None
    return Headway(datetime.fromisoformat(began_at.decode()), int(done), int(whole))


def forget(key: str) -> None:
    """The work is not to be followed any more."""
    try:
        queues.redis().delete(_key(key))
    except RedisError as error:
        log.warning("headway not forgotten", extra={"error": type(error).__name__})


def _key(key: str) -> str:
    return f"headway:{key}"

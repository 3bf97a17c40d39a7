"""The states and priorities of a mission. Pure."""

from enum import StrEnum


class MissionStatus(StrEnum):
    """Where a mission is. A person may move it from any to any other; CLOSED is the name of those that are over."""

    OPEN = "open"
    IN_PROGRESS = "in-progress"
    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"


CLOSED = frozenset({MissionStatus.DONE, MissionStatus.CANCELLED})


class MissionPriority(StrEnum):
    """How much a mission presses, from little to most."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

"""What the bodies of every sender share, whatever its channel: its limits and how it stands."""

from app.web.api.bodies import Body, Flag, Moment, Text, Whole


class LimitsBody(Body):
    """How fast a sender may send; null binds nothing."""

    max_connections = Whole()
    per_second = Whole(allow_none=True)
    per_minute = Whole(allow_none=True)
    per_hour = Whole(allow_none=True)
    per_day = Whole(allow_none=True)
    is_enabled = Flag()


class StandingBody(Body):
    """How a sender stands. paused_reason: its provider refuses it until a person mends it."""

    id = Whole()
    paused_reason = Text()
    breaker_open_until = Moment()
    last_error = Text()
    last_error_at = Moment()
    created_at = Moment()
    changed_at = Moment()

"""The states of a campaign and the only moves between them. Pure."""

from enum import StrEnum

from app.kernel.errors import Conflict


class CampaignStatus(StrEnum):
    """Where a campaign is. EDITABLE, LIVE and the other sets below are the names for groups of them."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    EXPIRED = "expired"
    FAILED = "failed"
    FINISHED = "finished"
    ENDED = "ended"


class CampaignEvent(StrEnum):
    """What may happen to a campaign."""

    PUBLISH = "publish"
    BEGIN = "begin"  # its time has come
    WAIT = "wait"  # window closed, non-working day, cap reached for long
    STOP = "stop"
    UNPUBLISH = "unpublish"
    START = "start"
    EXPIRE = "expire"
    EXTEND = "extend"
    FINISH = "finish"
    FAIL = "fail"
    RUN = "run"  # new people for a campaign that may be over
    END = "end"


_S, _E = CampaignStatus, CampaignEvent

LIVE = frozenset({_S.SCHEDULED, _S.SENDING})
EDITABLE = frozenset({_S.DRAFT, _S.SCHEDULED, _S.PAUSED, _S.EXPIRED, _S.FAILED})
OVER = frozenset({_S.FINISHED, _S.ENDED})

MOVES: dict[tuple[CampaignStatus, CampaignEvent], CampaignStatus] = {
    (_S.DRAFT, _E.PUBLISH): _S.SCHEDULED,
    (_S.PAUSED, _E.PUBLISH): _S.SCHEDULED,
    (_S.PAUSED, _E.START): _S.SCHEDULED,
    (_S.FAILED, _E.PUBLISH): _S.SCHEDULED,
    (_S.FAILED, _E.START): _S.SCHEDULED,
    (_S.EXPIRED, _E.EXTEND): _S.SCHEDULED,
    (_S.FINISHED, _E.RUN): _S.SCHEDULED,
    (_S.SCHEDULED, _E.BEGIN): _S.SENDING,
    (_S.SENDING, _E.WAIT): _S.SCHEDULED,
    (_S.SENDING, _E.FINISH): _S.FINISHED,
    # everybody left was removed or skipped before the first message
    (_S.SCHEDULED, _E.FINISH): _S.FINISHED,
    (_S.SENDING, _E.FAIL): _S.FAILED,
    **{(status, _E.STOP): _S.PAUSED for status in (_S.SCHEDULED, _S.SENDING)},
    **{(status, _E.UNPUBLISH): _S.PAUSED for status in (_S.SCHEDULED, _S.SENDING, _S.PAUSED)},
    **{(status, _E.EXPIRE): _S.EXPIRED for status in (_S.SCHEDULED, _S.SENDING, _S.PAUSED)},
    **{(status, _E.RUN): status for status in (_S.SCHEDULED, _S.SENDING, _S.PAUSED)},
    **{(status, _E.END): _S.ENDED for status in (_S.DRAFT, _S.SCHEDULED, _S.SENDING, _S.PAUSED, _S.EXPIRED, _S.FAILED)},
}


# Who comes new is written to: at once, when it is published or when it goes on.
TAKES_PEOPLE = frozenset({_S.DRAFT, *(status for status, event in MOVES if event is _E.RUN)})

# Recipients may be put back in line: they get the message now, or when it goes on.
TAKES_BACK = frozenset({_S.SCHEDULED, _S.SENDING, _S.PAUSED, _S.FAILED, _S.FINISHED})


def next_status(status: CampaignStatus, event: CampaignEvent) -> CampaignStatus:
    """Where the event leads. Raises Conflict with the state's name when the table has no such move."""
    try:
        return MOVES[status, event]
    except KeyError:
        raise Conflict("A campaign that is %(status)s cannot %(event)s.", status=status, event=event) from None

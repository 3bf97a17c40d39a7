"""The states of a recipient and of a batch, how they are shown, and which moves exist. Pure."""

from enum import StrEnum

from app.channels.contract import Reason


class RecipientState(StrEnum):
    """Where one recipient of one campaign is."""

    AWAITING = "awaiting"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    UNDELIVERED = "undelivered"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    SKIPPED = "skipped"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


class Shown(StrEnum):
    """What people read instead of the states."""

    AWAITING = "Awaiting"
    PROCESSING = "Processing"
    SENT = "Sent"
    FAILED = "Failed"
    UNCONFIRMED = "Unconfirmed"
    SKIPPED = "Skipped"


class BatchState(StrEnum):
    """Where one batch of recipients is."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"


class RunKind(StrEnum):
    """What a run over the recipients of a campaign does."""

    LABEL = "label"  # puts an internal status on those who match, or takes it off
    RETRY = "retry"  # puts those who failed for a reason back into the line


_S = RecipientState

SHOWN_AS: dict[RecipientState, Shown] = {
    _S.AWAITING: Shown.AWAITING,
    _S.SENDING: Shown.PROCESSING,
    _S.SENT: Shown.SENT,
    _S.DELIVERED: Shown.SENT,
    _S.FAILED: Shown.FAILED,
    _S.BOUNCED: Shown.FAILED,
    _S.UNDELIVERED: Shown.FAILED,
    _S.UNCONFIRMED: Shown.UNCONFIRMED,
    _S.SKIPPED: Shown.SKIPPED,
    _S.STOPPED: Shown.SKIPPED,
    _S.CANCELLED: Shown.SKIPPED,
}

OPEN = frozenset({_S.AWAITING, _S.SENDING})
HANDED_OVER = frozenset({_S.SENT, _S.DELIVERED, _S.BOUNCED, _S.UNDELIVERED, _S.UNCONFIRMED})

# Stops that end by themselves when the campaign is extended or published again.
RESUMABLE = frozenset({Reason.VALIDITY_PERIOD_EXPIRED, Reason.CAMPAIGN_UNPUBLISHED})

# Failures that may end well when a person lets them be tried again: no server took the message over, and neither the
# address nor the content is at fault for good. A worker lost on the way leaves `unconfirmed`: never sent again.
RETRIABLE = frozenset(
    {
        Reason.RETRIES_EXHAUSTED,
        Reason.REJECTED,
        Reason.MAILBOX_FULL,
        Reason.POISON,
        Reason.RENDER_ERROR,
        Reason.MEDIA_REFUSED,
    }
)

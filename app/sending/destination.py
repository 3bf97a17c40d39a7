"""Where the messages of a campaign go: which of a contact's addresses, and on which channel it may be barred."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_

from app.audience.addresses import Addresses
from app.audience.models import Contact, Suppression
from app.campaigns.models import Campaign
from app.channels.contract import Channel

_C = Contact.__table__.c
_S = Suppression.__table__.c


@dataclass(frozen=True, slots=True)
class Destination:
    """One of a contact's addresses. field: its name in audience.addresses.Addresses.

    is_shared: several contacts may have the same one, so that duplicates must be looked for.
    """

    channel: Channel
    field: str
    is_shared: bool

    @property
    def index(self) -> Any:
        """The column of contacts that holds the blind index of this address."""
        return _C[f"{self.field}_index"]

    @property
    def is_barred(self) -> Any:
        """The condition that an entry of the suppression list is about this address of a contact."""
        return and_(_S.channel == self.channel, _S.address_index == self.index)

    def address(self, addresses: Addresses) -> str | None:
        """The address of one person."""
        found: str | None = getattr(addresses, self.field)
        return found


FIRST_EMAIL = Destination(Channel.EMAIL, "email", is_shared=False)
SECOND_EMAIL = Destination(Channel.EMAIL, "second_email", is_shared=True)
PHONE = Destination(Channel.SMS, "phone", is_shared=True)


def of(campaign: Campaign) -> Destination:
    """The destination of this campaign."""
    if campaign.channel is Channel.SMS:
        return PHONE
    return SECOND_EMAIL if campaign.to_second_email else FIRST_EMAIL

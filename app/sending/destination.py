"""Where the messages of a campaign go: which of a contact's addresses, and on which channel it may be barred."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, case, exists, null

from app.audience.addresses import Addresses
from app.audience.models import Contact, Suppression
from app.audience.push_models import PushDevice
from app.campaigns.models import Campaign
from app.channels.contract import Channel

_C = Contact.__table__.c
_S = Suppression.__table__.c


@dataclass(frozen=True, slots=True)
class Destination:
    """One of a contact's addresses. name: as audience.addresses.Addresses has it, "" for all their devices.

    is_shared: several contacts may have the same one, so that duplicates must be looked for. index: what is no NULL
    for a contact who has such an address: its blind index; of devices, which are several, the contact's own uid.
    """

    channel: Channel
    name: str
    is_shared: bool
    index: Any = field(compare=False)

    @property
    def is_barred(self) -> Any:
        """The condition that an entry of the suppression list is about this address of a contact."""
        return and_(_S.channel == self.channel, _S.address_index == self.index)

    def address(self, addresses: Addresses) -> str | None:
        """The address of one person."""
        found: str | None = getattr(addresses, self.name, None)
        return found


_HAS_DEVICE = exists().where(PushDevice.contact_id == _C.id)

FIRST_EMAIL = Destination(Channel.EMAIL, "email", is_shared=False, index=_C.email_index)
SECOND_EMAIL = Destination(Channel.EMAIL, "second_email", is_shared=True, index=_C.second_email_index)
PHONE = Destination(Channel.SMS, "phone", is_shared=True, index=_C.phone_index)
WHATSAPP = Destination(Channel.WHATSAPP, "whatsapp", is_shared=True, index=_C.whatsapp_index)
DEVICES = Destination(Channel.PUSH, "", is_shared=False, index=case((_HAS_DEVICE, _C.uid), else_=null()))
OF_PHONES = {Channel.SMS: PHONE, Channel.WHATSAPP: WHATSAPP}


def of(campaign: Campaign) -> Destination:
    """The destination of this campaign."""
    if campaign.channel in OF_PHONES:
        return OF_PHONES[campaign.channel]
    if campaign.channel is Channel.PUSH:
        return DEVICES
    return SECOND_EMAIL if campaign.to_second_email else FIRST_EMAIL

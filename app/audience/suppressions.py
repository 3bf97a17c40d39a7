"""The suppression list: addresses that must not be written to, kept as blind indexes only. Flushes, never commits."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from app.audience.addresses import email_index, phone_index
from app.audience.models import Suppression, SuppressionSource
from app.channels.address import normalise_email
from app.channels.contract import Channel
from app.channels.phone import normalise_phone
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import InvalidInput

MOST_AT_ONCE = 1000

Place = tuple[Channel, bytes]  # on the list: a channel and the blind index of an address


def suppress(channel: Channel, address_index: bytes, source: SuppressionSource, campaign_id: int | None = None) -> bool:
    """Put an address on the list; effective for every message not handed over when this commits.

    campaign_id: where it came from. Returns False when it is on the list already (the first entry stays).
    """
    if is_suppressed(channel, address_index):
        return False
    values = {
        "channel": channel,
        "address_index": address_index,
        "source": source,
        "campaign_id": campaign_id,
        "created_at": clock.utcnow(),
    }
    try:
        with db.session.begin_nested():
            db.session.execute(insert(Suppression).values(values))
    except IntegrityError:  # somebody else put it there at the same moment
        return False
    return True


def suppress_email(text: str, source: SuppressionSource = SuppressionSource.BY_HAND) -> bool:
    """Put an e-mail address as people write it on the list. Raises InvalidInput when it is none."""
    return suppress(Channel.EMAIL, email_index(normalise_email(text)), source)


def places(text: str) -> list[Place]:
    """Where an address as people write it stands on the list: an e-mail address once, a number with its country for
    text messages and for WhatsApp. Raises InvalidInput for what is neither."""
    if "@" in text:
        return [(Channel.EMAIL, email_index(normalise_email(text)))]
    if not any(letter.isdigit() for letter in text):
        raise InvalidInput("Write an e-mail address, or a phone number with its country, such as +48 600 100 200.")
    index = phone_index(normalise_phone(text, None))
    return [(Channel.SMS, index), (Channel.WHATSAPP, index)]


def suppress_all(texts: Sequence[str]) -> int:
    """Put e-mail addresses and numbers as people write them on the list by hand, all or none; returns how many of them
    were not there. Raises InvalidInput, which says what is wrong with which of them."""
    if len(texts) > MOST_AT_ONCE:
        raise InvalidInput("Write at most %(most)s addresses at once.", "address", most=MOST_AT_ONCE)
    found = []
    for text in texts:
        try:
            found.append(places(text))
        except InvalidInput as error:
            raise InvalidInput("%(address)s: %(problem)s", "address", address=text, problem=error.phrase) from error
    # max, not any: each of them is to be put there, also behind a first that was new
    return sum(max(suppress(*place, SuppressionSource.BY_HAND) for place in each) for each in found)


def unsuppress(suppression_id: int) -> None:
    """Take an entry off the list; nothing happens when it is gone already."""
    db.session.execute(delete(Suppression).where(Suppression.id == suppression_id))


def release(channel: Channel, address_index: bytes, source: SuppressionSource) -> bool:
    """Take an address off the list if that is how it came there; returns whether it may be written to now."""
    here = (Suppression.channel == channel, Suppression.address_index == address_index)
    db.session.execute(delete(Suppression).where(*here, Suppression.source == source))
    return not is_suppressed(channel, address_index)


def is_suppressed(channel: Channel, address_index: bytes) -> bool:
    """Whether an address is on the list."""
    here = (Suppression.channel == channel, Suppression.address_index == address_index)
    return db.session.scalar(select(Suppression.id).where(*here)) is not None

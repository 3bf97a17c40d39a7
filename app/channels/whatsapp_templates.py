"""The templates of WhatsApp: fetched from their provider, kept here with their state of approval."""

from collections.abc import Sequence

from sqlalchemy import select

from app.channels import gateways
from app.channels.contract import Channel, ContentTemplate, ReadingProblem
from app.channels.models import ApprovalState, Gateway, WhatsAppTemplate
from app.channels.registry import content_source
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import NotFound, Unavailable
from app.kernel.texts import N_

NO_TEMPLATE = N_("There is no such template of WhatsApp.")
# The provider's words for the states of an approval that are not ours already.
STATES = {"received": ApprovalState.PENDING, "submitted": ApprovalState.PENDING}


def get(template_id: int) -> WhatsAppTemplate:
    """The template. Raises NotFound."""
    template = db.session.get(WhatsAppTemplate, template_id)
    if template is None:
        raise NotFound(NO_TEMPLATE)
    return template


def body_of(content_sid: str) -> str:
    """The words of the template that its provider names so. Raises NotFound."""
    body = db.session.scalar(select(WhatsAppTemplate.body).where(WhatsAppTemplate.content_sid == content_sid))
    if body is None:
        raise NotFound(NO_TEMPLATE)
    return body


def usable() -> list[WhatsAppTemplate]:
    """The templates that WhatsApp lets be sent, by name."""
    query = select(WhatsAppTemplate).where(WhatsAppTemplate.status == ApprovalState.APPROVED)
    return list(db.session.scalars(query.order_by(WhatsAppTemplate.name, WhatsAppTemplate.language)))


def accounts() -> dict[str, int]:
    """Every account that a gateway of WhatsApp has, with one such gateway."""
    query = (
        select(Gateway.account_sid, Gateway.id).where(Gateway.channel == Channel.WHATSAPP).order_by(Gateway.id.desc())
    )
    return dict(db.session.execute(query).all())


def fetch(gateway_id: int) -> list[ContentTemplate]:
    """All templates of the account of a gateway. Raises Unavailable with what the provider said.

    Talks to the network: call it outside a transaction.
    """
    gateway = gateways.get(gateway_id)
    name, settings = gateway.name, gateways.settings_of(gateway)
    db.session.rollback()  # no transaction stays open across the network call
    try:
        return content_source()(settings)
    except ReadingProblem as error:
        raise Unavailable(
            "The templates of %(name)s could not be read: %(answer)s", name=name, answer=str(error)
        ) from error


def store(account_sid: str, found: Sequence[ContentTemplate]) -> int:
    """Keep what an account has now; returns how many may be sent. What is not there any more is marked as gone,
    because campaigns may name it."""
    query = select(WhatsAppTemplate).where(WhatsAppTemplate.account_sid == account_sid)
    known = {each.content_sid: each for each in db.session.scalars(query)}
    now = clock.utcnow()
    for each in {each.content_sid: each for each in found}.values():
        row = known.pop(each.content_sid, None)
        if row is None:
            row = WhatsAppTemplate(account_sid=account_sid, content_sid=each.content_sid)
            db.session.add(row)
        row.name, row.language, row.category, row.body = each.name, each.language, each.category, each.body
        row.variables, row.why, row.synced_at = list(each.variables), each.why, now
        row.status = _state(each.status)
    for gone in known.values():
        gone.status, gone.synced_at = ApprovalState.GONE, now
    db.session.flush()
    mine = (WhatsAppTemplate.account_sid == account_sid, WhatsAppTemplate.status == ApprovalState.APPROVED)
    return len(db.session.scalars(select(WhatsAppTemplate.id).where(*mine)).all())


def _state(said: str) -> ApprovalState:
    """Our word for the provider's; what nobody knows must not be sent."""
    word = said.lower()
    if word in STATES:
        return STATES[word]
    return ApprovalState(word) if word in set(ApprovalState) else ApprovalState.UNSUBMITTED

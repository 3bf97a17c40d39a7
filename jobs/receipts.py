"""Jobs of receipts: visits to the mailboxes into which bounces fall, and questions for messages without an answer."""

import logging

from app.kernel.db import transaction
from app.kernel.errors import Conflict, NotFound
from app.sending import enquiries, mailboxes
from jobs.runtime import job

log = logging.getLogger(__name__)


@job
def check_mailbox(account_id: int) -> None:
    """Read what lies in the bounce mailbox of an account; harmless to run twice, and when somebody else reads it."""
    try:
        mailboxes.visit(account_id)
    except (Conflict, NotFound) as error:
        log.info("mailbox not read", extra={"account_id": account_id, "why": type(error).__name__})


@job
def ring_mailboxes() -> None:
    """Ring for the mailboxes that are to be read now."""
    with transaction():
        mailboxes.ring()


@job
def ask_for_texts(campaign_id: int) -> None:
    """Ask the provider for messages to phones whose answer was lost; harmless to run twice, and never sends."""
    enquiries.ask(campaign_id)


@job
def ring_enquiries() -> None:
    """Ring for the campaigns whose provider is to be asked now."""
    with transaction():
        enquiries.ring()

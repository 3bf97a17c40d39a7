"""Jobs of notices: making them from what happened, and mailing them."""

import logging

from app.kernel import clock, ending
from app.kernel.db import in_transaction, transaction
from app.notices import gather, mail
from jobs.runtime import job

log = logging.getLogger(__name__)


@job
def mail_notices() -> None:
    """Send what is due, one letter a person at a time; a worker that is to end leaves the rest to the next one."""
    while not ending.is_asked():
        letter = in_transaction(mail.take, clock.utcnow())
        if letter is None:
            return
        result = mail.send(letter)
        in_transaction(mail.record, letter, result, clock.utcnow())
        log.info("notice mailed", extra={"notices": len(letter.ids), "outcome": result.outcome.value})


@job
def gather_notices() -> None:
    """Make notices of what happened since the last look, and ring for those to be mailed."""
    with transaction():
        gather.gather()
        mail.recover(clock.utcnow())

"""Visits to the mailboxes into which bounces fall: what lies there becomes receipts.

Beside deliver.py the one domain module that runs its own transactions: a mail is deleted only after what it says was
committed, and no transaction is open while a server is waited for.
"""

import logging
import secrets
from collections import Counter
from dataclasses import dataclass, field

from app.channels import bounce_mail, bounce_mailboxes
from app.channels.bounce_mail import Sort
from app.channels.mailbox import Judged, MailboxReport, MailboxSettings
from app.channels.receipts import MailReceipt, ReceiptWay
from app.channels.registry import mailbox_for
from app.kernel import leases, processes
from app.kernel.db import db_now, in_transaction
from app.kernel.errors import Conflict
from app.kernel.queues import JobName, QueueName, enqueue_after_commit
from app.sending import mail_receipts
from app.sending.mail_receipts import Taken

log = logging.getLogger(__name__)

LEASE_SECONDS = 90.0  # longer than a visit can last


@dataclass(frozen=True, slots=True)
class Visit:
    """How many mails of each sort were found; a report on a message that is not ours is strange. problem: "" when all
    went well, else one sentence."""

    found: Counter[Sort]
    problem: str


@dataclass(frozen=True, slots=True)
class _Order:
    account_id: int
    owner: str
    settings: MailboxSettings = field(repr=False)
    left_over: frozenset[str]


def ring() -> None:
    """Ring for the mailboxes that are due."""
    for account_id in bounce_mailboxes.due(db_now()):
        enqueue_after_commit(QueueName.DEFAULT, JobName.CHECK_MAILBOX, account_id, job_id=f"mailbox-{account_id}")


def visit(account_id: int) -> Visit:
    """Read what lies in the mailbox of an account, once. Talks to the network: call it outside a transaction.

    Raises NotFound, and Conflict while another one reads it.
    """
    owner = f"{processes.me()}:{secrets.token_hex(4)}"
    order = in_transaction(_begin, account_id, owner)
    found: Counter[Sort] = Counter()

    def judge(mail: bytes) -> Judged:
        reading = bounce_mail.read(mail)
        sort, judged = _judge(reading.sort, reading.receipt)
        if judged is not Judged.LATER:
            found[sort] += 1
        return judged

    report: MailboxReport | None = None
    try:
        report = mailbox_for(order.settings).visit(judge, order.left_over)
    finally:
        in_transaction(_end, order, found, report)
    log.info("mailbox read", extra={"account_id": account_id, "mails": found.total(), "failed": bool(report.problem)})
    return Visit(found, report.problem)


def _judge(sort: Sort, receipt: MailReceipt | None) -> tuple[Sort, Judged]:
    if receipt is None:
        return sort, Judged.DONE if sort is Sort.PASSING else Judged.KEPT
    taken = in_transaction(mail_receipts.take, receipt, ReceiptWay.MAILBOX)
    if taken is Taken.LATER:
        return sort, Judged.LATER
    return (Sort.STRANGE, Judged.KEPT) if taken is Taken.UNKNOWN else (sort, Judged.DONE)


def _begin(account_id: int, owner: str) -> _Order:
    mailbox = bounce_mailboxes.get(account_id)
    if not leases.acquire(_role(account_id), owner, LEASE_SECONDS):
        raise Conflict("This mailbox is being read at this moment. Look again in a minute.")
    return _Order(account_id, owner, bounce_mailboxes.settings_of(mailbox), frozenset(mailbox.left_over))


def _end(order: _Order, found: Counter[Sort], report: MailboxReport | None) -> None:
    """Write down what a visit found. report: None when it was broken off on our side."""
    leases.release(_role(order.account_id), order.owner)
    mailbox = bounce_mailboxes.find(order.account_id)
    if mailbox is None:  # taken away meanwhile
        return
    now = db_now()
    mailbox.receipts += found[Sort.RECEIPT]
    mailbox.ignored += found[Sort.PASSING] + found[Sort.AUTOMATIC]
    mailbox.strange += found[Sort.STRANGE]
    if report is not None:
        mailbox.checked_at, mailbox.problem = now, report.problem
        mailbox.failures = mailbox.failures + 1 if report.problem else 0
        mailbox.due_at = bounce_mailboxes.next_visit(now, mailbox.failures)
        if set(report.left_over) != set(mailbox.left_over):
            mailbox.left_over = list(report.left_over)


def _role(account_id: int) -> str:
    return f"mailbox-{account_id}"

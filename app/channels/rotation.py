"""Sealing the secrets of senders, and of what tells what became of their messages, with the active key again."""

from typing import Any

from sqlalchemy import select

from app.channels.models import Gateway, SmtpAccount, WebPushSender
from app.channels.receipt_models import BounceMailbox, ReceiptHook
from app.extensions import db
from app.kernel.crypto import sealer

KINDS: tuple[Any, ...] = (SmtpAccount, Gateway, WebPushSender, BounceMailbox, ReceiptHook)
SEALED = ("secret_sealed", "dkim_key_sealed")


def _old() -> list[tuple[Any, str]]:
    prefix = sealer("secret").active_prefix
    return [
        (account, name)
        for kind in KINDS
        for account in db.session.scalars(select(kind))
        for name in SEALED
        if getattr(account, name, None) and not getattr(account, name).startswith(prefix)
    ]


def count_old() -> int:
    """How many secrets are sealed with another key than the active one."""
    return len(_old())


def reseal(limit: int) -> int:
    """Seal up to limit secrets again in this transaction; returns how many, 0 when all are done."""
    seals, found = sealer("secret"), _old()[:limit]
    for account, name in found:
        setattr(account, name, seals.seal(seals.open(getattr(account, name), account.uid), account.uid))
    db.session.flush()
    return len(found)

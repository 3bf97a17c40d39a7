"""The e-mails of notices: claimed, sent outside a transaction, and recorded. At most once: what a killed worker was
sending is unconfirmed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid
from functools import lru_cache
from html import escape
from pathlib import Path

from babel.support import NullTranslations, Translations
from flask import current_app
from sqlalchemy import select, update

from app.campaigns.models import Campaign
from app.channels import service as channels
from app.channels.address import email_domain, needs_smtputf8, wire_address
from app.channels.contract import Channel, Outcome, Outgoing, SendResult, SmtpSettings
from app.channels.models import SmtpAccount
from app.channels.registry import transport_for
from app.extensions import db
from app.kernel.audit import Subject
from app.kernel.texts import N_, Phrase, told
from app.notices import choices
from app.notices.choices import Person
from app.notices.gather import start_key
from app.notices.models import MailState, Notice, NoticeKind

PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))  # between tries
SILENT_AFTER = timedelta(minutes=15)  # a worker that sends for longer is dead
MOST_IN_ONE = 50
TRANSLATIONS = Path(__file__).resolve().parents[1] / "translations"

TITLES: dict[NoticeKind, Phrase] = {
    NoticeKind.UPCOMING: N_("%(name)s starts soon"),
    NoticeKind.STARTED: N_("%(name)s has started"),
    NoticeKind.FINISHED: N_("%(name)s is finished"),
    NoticeKind.FAILED: N_("%(name)s has failed"),
    NoticeKind.PAUSED: N_("%(name)s was stopped by itself"),
    NoticeKind.STAND_IN: N_("%(name)s and its stand-in"),
}
_PAGES = {
    Subject.CAMPAIGN: "campaigns/show",
    Subject.ACCOUNT: "smtp-accounts/show",
    Subject.GATEWAY: "gateways/show",
}
MANY = N_("%(number)s news of your campaigns")
WHEN = N_("%(time)s UTC")
SEE = N_("See it in Muster")
CHANGE = N_("Choose what you are told")


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent to one person. ids: of the notices in it; settings: of the account that sends it."""

    ids: tuple[int, ...]
    settings: SmtpSettings
    outgoing: Outgoing


def take(now: datetime) -> Letter | None:
    """Claim what is due for one person, in the caller's transaction; None when nothing is, or nobody can send it."""
    due = (Notice.mail_state == MailState.DUE, Notice.mail_after <= now)
    person_id = db.session.scalar(select(Notice.person_id).where(*due).order_by(Notice.mail_after).limit(1))
    account = sender()
    if person_id is None or account is None:
        return None
    query = select(Notice).where(Notice.person_id == person_id, *due).order_by(Notice.happened_at, Notice.id)
    found = db.session.scalars(query.limit(MOST_IN_ONE).with_for_update()).all()
    notices = [notice for notice in found if not _is_stale(notice, now)]
    for notice in found:
        if notice not in notices:
            notice.mail_state = MailState.NONE
    if not notices:
        return take(now) if found else None
    for notice in notices:
        notice.mail_state, notice.mail_after = MailState.SENDING, now + SILENT_AFTER
        notice.mail_tries += 1
    person = choices.of(person_id)
    made = _message(account, person, notices, now)
    signer = channels.signer_of(account)
    if signer is not None:
        made = signer.sign(made) + made
    to = wire_address(person.email)
    outgoing = Outgoing(0, wire_address(account.from_email), to, made, needs_smtputf8(person.email))
    return Letter(tuple(notice.id for notice in notices), channels.settings_of(account), outgoing)


def _is_stale(notice: Notice, now: datetime) -> bool:
    """Whether it tells of a start that has been or was moved: nobody wants to read that any more."""
    if notice.kind is not NoticeKind.UPCOMING:
        return False
    campaign = db.session.get(Campaign, notice.about_id)
    is_moved = campaign is None or campaign.start_at is None or start_key(campaign.id, campaign.start_at) != notice.key
    return is_moved or notice.happened_at <= now


def sender() -> SmtpAccount | None:
    """The account that carries notices: the first that is switched on and not refused by its provider; those whose
    stand-in sends for them come last."""
    usable = (SmtpAccount.is_enabled.is_(True), SmtpAccount.paused_reason.is_(None))
    order = (SmtpAccount.stood_in_since.is_not(None), SmtpAccount.id)
    return db.session.scalar(select(SmtpAccount).where(*usable).order_by(*order).limit(1))


def send(letter: Letter) -> SendResult:
    """Hand it to the server. Talks to the network: call it outside a transaction."""
    return transport_for(Channel.EMAIL)(letter.settings).send_one(letter.outgoing).result


def record(letter: Letter, result: SendResult, now: datetime) -> None:
    """Write down what became of it; what did not get through is tried again, and given up after some hours."""
    for notice in db.session.scalars(select(Notice).where(Notice.id.in_(letter.ids))):
        if notice.mail_state is not MailState.SENDING:
            continue
        notice.mail_error = f"{result.code} {result.detail}".strip()[:255]
        match result.outcome:
            case Outcome.ACCEPTED:
                notice.mail_state, notice.mail_error = MailState.SENT, ""
            case Outcome.UNCONFIRMED:
                notice.mail_state = MailState.UNCONFIRMED
            case Outcome.REFUSED:
                notice.mail_state = MailState.FAILED
            case _ if notice.mail_tries > len(PAUSES):
                notice.mail_state = MailState.FAILED
            case _:
                notice.mail_state, notice.mail_after = MailState.DUE, now + PAUSES[notice.mail_tries - 1]
    db.session.flush()


def recover(now: datetime) -> int:
    """What a worker was sending and never recorded is unconfirmed; returns how many."""
    lost = (Notice.mail_state == MailState.SENDING, Notice.mail_after <= now)
    return db.session.execute(update(Notice).where(*lost).values(mail_state=MailState.UNCONFIRMED)).rowcount


def _message(account: SmtpAccount, person: Person, notices: Sequence[Notice], now: datetime) -> bytes:
    language = person.language
    lines = [_line(notice, language) for notice in notices]
    message = EmailMessage()
    message["From"] = formataddr((account.from_name, account.from_email))
    message["To"] = person.email
    message["Subject"] = lines[0][0] if len(lines) == 1 else said(MANY.message, language, number=len(lines))
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=email_domain(account.from_email))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers it
    settings_words = said(CHANGE.message, language)
    settings = f"{current_app.config['PUBLIC_URL']}/notifications/settings"
    text = "\n\n".join("\n".join(filter(None, line)) for line in lines)
    message.set_content(f"{text}\n\n--\n{settings_words}: {settings}\n", cte="quoted-printable")
    message.add_alternative(_html(lines, language, settings, settings_words), subtype="html", cte="quoted-printable")
    return message.as_bytes(policy=SMTP)


def _line(notice: Notice, language: str) -> tuple[str, str, str]:
    """Title, when and why, and where it is shown."""
    title = said(TITLES[notice.kind].message, language, name=notice.name or "Muster")
    when = said(WHEN.message, language, time=f"{notice.happened_at:%Y-%m-%d %H:%M}")
    why = told(notice.detail, _catalogue(language))
    return title, f"{when}. {why}" if why else when, address_of(notice)


def address_of(notice: Notice) -> str:
    """Where what it is about is shown, as a whole address."""
    base = current_app.config["PUBLIC_URL"]
    page = _PAGES.get(notice.about)
    return f"{base}/{page}/{notice.about_id}" if page and notice.about_id else f"{base}/notifications/"


def _html(lines: Sequence[tuple[str, str, str]], language: str, settings: str, settings_words: str) -> str:
    see = escape(said(SEE.message, language))
    items = "".join(
        f'<p style="margin:0 0 18px"><strong>{escape(title)}</strong><br>{escape(more)}<br>'
        f'<a href="{escape(address)}">{see}</a></p>'
        for title, more, address in lines
    )
    style = "font:15px/1.5 system-ui,sans-serif;color:#1f2937;max-width:560px"
    foot = f'<p style="font-size:13px;color:#6b7280"><a href="{escape(settings)}">{escape(settings_words)}</a></p>'
    return f'<!DOCTYPE html><html lang="{language}"><body style="{style}">{items}{foot}</body></html>'


def said(message: str, language: str, **values: object) -> str:
    """A text of the catalogue in that language; English where there is none."""
    text = _catalogue(language).gettext(message)
    return text % values if values else text


@lru_cache(maxsize=8)
def _catalogue(language: str) -> NullTranslations:
    return Translations.load(TRANSLATIONS, [language])

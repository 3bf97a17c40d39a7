"""Fills the instance of `make demo` through the services, so that ledger and counters are true. Harmless to run again:
what is there by its name stays."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.audience import import_service
from app.audience import service as audience
from app.audience.models import ContactImport, Folder
from app.campaigns import service as campaigns
from app.channels import service as channels
from app.channels.contract import Security
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction
from app.sending import tick
from demo import desk, notifications, texts
from demo.campaigns import BY, Step, end, make, stop
from demo.letters import letter
from demo.people import GROUPS, Group, csv_file
from jobs.audience import run_import

CATCHER, REFUSING = "Mail catcher", "Account with a wrong password"


@dataclass(frozen=True, slots=True)
class Example:
    """A campaign: what it says, to whom, how it is paced, and what happens to it once it is there."""

    name: str
    title: str
    body: str
    folder: str
    is_published: bool = True
    then: tuple[Step, ...] = ()
    account: str = CATCHER
    values: dict[str, Any] = field(default_factory=dict)


def fill(settings: Mapping[str, Any]) -> None:
    """Make what is missing of accounts, folders, contacts, campaigns and what stands around them. settings: as
    config.load gives them."""
    catcher_port = settings["DEMO_MAIL_PORT"]
    _account(CATCHER, catcher_port)
    # The catcher offers no sign-in, so this one is refused by a real server.
    _account(REFUSING, catcher_port, secret="not the password", username="amber")
    for group in GROUPS:
        _folder(group)
    for example in examples():
        _campaign(example)
    notifications.set_up(settings["DEMO_PUSH_PORT"])
    texts.set_up(settings["INSTANCE"] / "texts")
    desk.set_up()


def examples() -> tuple[Example, ...]:
    """The campaigns, one or more in every state; sending and finished ones are sent by the workers."""
    now = clock.utcnow()
    return (
        Example("Autumn sale", "Autumn sale", "From Monday on everything is cheaper.", "Newsletter", False),
        Example(
            "Spring preview",
            "A look at spring",
            "The new collection arrives soon; you see it first.",
            "Newsletter",
            values={"start_at": now + timedelta(days=7), "working_days_only": True, "zone": "Europe/Warsaw"},
        ),
        Example(
            "Monthly letter",
            "What happened this month",
            "Amber from the Baltic, three new workshops, and a recipe.",
            "Newsletter",
            values={"delay_seconds": 2},
        ),
        Example("Trade fair invitation", "Meet us in hall 4", "We keep a ticket for you.", "Trade fair", then=(stop,)),
        Example(
            "Early booking",
            "Only until yesterday",
            "Whoever books early pays less.",
            "Trade fair",
            then=(_let_expire,),
            values={"start_at": now + timedelta(days=1), "valid_until": now + timedelta(days=2)},
        ),
        Example(
            "Birthday greetings",
            "Happy birthday",
            "There is a present for you in the shop.",
            "Friends of the house",
            account=REFUSING,
        ),
        Example("Welcome", "Good to have you", "Here is what we do, in three lines.", "Customers"),
        Example(
            "Thanks to our friends",
            "Thank you",
            "Ten years, and you were there all the time.",
            "Friends of the house",
        ),
        Example("Cancelled workshop", "Workshop on Friday", "Bring your own stones.", "Customers", then=(end,)),
    )


def _account(name: str, port: int, secret: str | None = None, **values: Any) -> None:
    with transaction():
        account = db.session.scalar(select(SmtpAccount).where(SmtpAccount.name == name))
        if account is not None and account.port == port:
            return
        if account is None:
            sender = {"from_name": "Amber Shop", "from_email": "news@shop.example.com", "security": Security.NONE}
            account = SmtpAccount(name=name, host="127.0.0.1", **sender, **values)
            db.session.add(account)
        with db.session.no_autoflush:
            account.port = port
            channels.prepare_account(account, secret)


def _folder(group: Group) -> None:
    with transaction():
        folder_id = db.session.scalar(select(Folder.id).where(Folder.name == group.folder))
        if folder_id is None:
            folder_id = audience.create_folder(group.folder).id
            upload = import_service.create(io.BytesIO(csv_file(group)), f"{group.folder.lower()}.csv", BY)
            import_service.start(upload.id, upload.mapping, folder_id, "")
        unfinished = select(ContactImport.id).where(
            ContactImport.folder_id == folder_id, ContactImport.status.not_in(import_service.OVER)
        )
        import_ids = db.session.scalars(unfinished).all()  # also of a start that was killed
    for import_id in import_ids:
        run_import(import_id)


def _campaign(example: Example) -> None:
    account_id = db.session.scalar(select(SmtpAccount.id).where(SmtpAccount.name == example.account))
    values = {"name": example.name, "smtp_account_id": account_id, **letter(example.title, example.body)}
    make(values | example.values, example.folder, example.is_published, example.then)


def _let_expire(campaign_id: int) -> None:
    """Its validity period passes before it begins, and the scheduler notices."""
    campaign, now = campaigns.get(campaign_id), clock.utcnow()
    campaign.start_at, campaign.valid_until = now - timedelta(days=2), now - timedelta(days=1)
    db.session.flush()
    tick.look_at(campaign_id)

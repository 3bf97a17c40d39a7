"""What the pages of the panel show while they are measured: an everyday installation, and then a large one.

Bulk rows come from INSERT … SELECT over a table of numbers, in SQL that both databases know.
"""

import os

from sqlalchemy import insert, text

from app.audience.models import ContactImport, ImportStatus, Suppression, SuppressionSource
from app.campaigns import groups, statuses
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Channel, Reason
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction
from app.missions import service as missions
from app.sending import progress
from app.sending.models import CampaignProgress, SendBatch
from app.sending.states import BatchState, RecipientState
from bench import campaign as made

PORTION = 100_000
BATCH = 500
SURNAMES = 20_000
BY = "bench"
START = ("Ab", "Be", "Co", "Du", "El", "Fi", "Gra", "Ho", "Iv", "Ja", "Kow", "Lew", "Mü", "No", "Or", "Pa", "Ro", "Sza")
MIDDLE = ("ma", "ne", "li", "to", "ru", "ska", "be", "ge", "wa", "zi", "der", "nk", "al", "vi", "mo", "pe", "ra", "chi")
ENDS = ("son", "ski", "er", "ova", "mann", "sen", "ez", "ić", "ton", "ini", "eau", "wicz", "ko", "ard", "ley", "dal")


def surnames() -> list[str]:
    """So many different ones, spread over the alphabet, each a little rarer than in life."""
    found = (
        f"{start}{first}{second}{end}" for end in ENDS for second in MIDDLE for first in MIDDLE[:9] for start in START
    )
    return [name for _, name in zip(range(SURNAMES), found, strict=False)]


def add_numbers() -> None:
    """The tables that the statements below select from."""
    with transaction():
        db.session.execute(text("CREATE TABLE bench_number (n INTEGER PRIMARY KEY)"))
        db.session.execute(text("CREATE TABLE bench_surname (n INTEGER PRIMARY KEY, surname VARCHAR(120) NOT NULL)"))
    with transaction():
        rows = [{"n": number, "surname": name} for number, name in enumerate(surnames())]
        db.session.execute(text("INSERT INTO bench_surname (n, surname) VALUES (:n, :surname)"), rows)
        for part in range(0, PORTION, 10_000):
            numbers = [{"n": number} for number in range(part + 1, part + 10_001)]
            db.session.execute(text("INSERT INTO bench_number (n) VALUES (:n)"), numbers)


def add_people(count: int) -> None:
    """So many contacts with 20,000 surnames and 5,000 companies, all of them in the folder "Everybody"."""
    before = db.session.scalar(text("SELECT COALESCE(MAX(id), 0) FROM contact")) or 0
    made.add_contacts(count, f"Everybody after {before}")
    with transaction():
        db.session.execute(
            text(
                "UPDATE contact SET company = CONCAT('Company ', id % 4999), last_name ="
                " (SELECT surname FROM bench_surname WHERE n = contact.id * 7919 % 20000) WHERE id > :before"
            ),
            {"before": before},
        )


def add_folders(count: int, members: int, people: int) -> None:
    """So many folders of so many members each."""
    step = people // members
    for number in range(count):
        with transaction():
            folder_id = db.session.execute(
                text("INSERT INTO folder (name, created_at) VALUES (:name, :now)"),
                {"name": f"Folder {people}-{number}", "now": clock.utcnow().replace(tzinfo=None)},
            ).lastrowid
            db.session.execute(
                text("INSERT INTO contact_folder (folder_id, contact_id) SELECT :folder, id FROM contact"
                     " WHERE id % :step = :rest AND id <= :people"),
                {"folder": folder_id, "step": step, "rest": number % step, "people": people},
            )  # fmt: skip


def largest_folder() -> int:
    """The folder with the most contacts."""
    most = text("SELECT folder_id FROM contact_folder GROUP BY folder_id ORDER BY COUNT(*) DESC LIMIT 1")
    with transaction():
        return int(db.session.execute(most).scalar_one())


def add_campaigns(count: int, recipients: int, account_id: int, folder_id: int = 1) -> list[int]:
    """So many campaigns of so many recipients each, with a 5 KB message; their ids."""
    found = [made.add_campaign(account_id, folder_id) for _ in range(count)]
    for campaign_id in found:
        if recipients:
            add_recipients(campaign_id, recipients, account_id)
    return found


def add_recipients(campaign_id: int, count: int, account_id: int) -> None:
    """A campaign in the middle of its sending: of a thousand 960 sent, 24 failed, 10 skipped, 6 waiting, and twelve
    near its end of whom nobody knows."""
    now = clock.utcnow().replace(tzinfo=None)
    for part in range(0, count, PORTION):
        with transaction():
            db.session.execute(
                text(
                    "INSERT INTO campaign_recipient (campaign_id, seq, step_id, contact_id, address_index, state,"
                    " reason, attempt, content_version, sender_id, sending_at, done_at)"
                    " SELECT :campaign, n + :part, 1, n + :part, :address, CASE"
                    "  WHEN n + :part BETWEEN :last - 20 AND :last - 9 THEN 'unconfirmed'"
                    "  WHEN n % 1000 < 960 THEN 'sent' WHEN n % 1000 < 984 THEN 'failed'"
                    "  WHEN n % 1000 < 994 THEN 'skipped' ELSE 'awaiting' END,"
                    " CASE WHEN n + :part BETWEEN :last - 20 AND :last - 9 THEN :unsure WHEN n % 1000 < 960 THEN NULL"
                    "  WHEN n % 1000 < 970 THEN :full WHEN n % 1000 < 984 THEN :invalid WHEN n % 1000 < 994 THEN :never"
                    "  ELSE NULL END,"
                    " 1, 1, :sender, :now, :now FROM bench_number WHERE n + :part <= :last"
                ),
                {
                    "campaign": campaign_id, "part": part, "last": count, "address": b"0123456789abcdef",
                    "unsure": Reason.REPLY_LOST.value, "full": Reason.MAILBOX_FULL.value,
                    "invalid": Reason.INVALID_RECIPIENT.value, "never": Reason.SUPPRESSED.value, "sender": account_id,
                    "now": now,
                },
            )  # fmt: skip
    _count(campaign_id)


def _count(campaign_id: int) -> None:
    with transaction():
        counted = text("SELECT state, COUNT(*) FROM campaign_recipient WHERE campaign_id = :id GROUP BY state")
        counts = {RecipientState(state): number for state, number in db.session.execute(counted, {"id": campaign_id})}
        progress.ensure(campaign_id)
        progress.move(campaign_id, counts, opened=CampaignProgress.__table__.c.opened + sum(counts.values()) // 3)
        db.session.get_one(Campaign, campaign_id).status = CampaignStatus.SENDING
        rows = [
            {"campaign_id": campaign_id, "batch_no": number, "lo": number * BATCH + 1, "hi": (number + 1) * BATCH,
             "state": BatchState.DONE, "not_before": clock.utcnow()}
            for number in range(-(-sum(counts.values()) // BATCH))
        ]  # fmt: skip
        db.session.execute(insert(SendBatch), rows)


def add_small_things(count: int) -> None:
    """So many groups, labels, imports and missions."""
    with transaction():
        for number in range(count):
            groups.create(f"Group {number}", "", (), BY)
            statuses.create(f"Label {number}", f"#{number:06x}", BY)
            db.session.add(
                ContactImport(
                    file_name=f"contacts-{number}.csv", status=ImportStatus.DONE, rows_done=5000, added=4990, bad=10,
                    columns=["E-mail", "Name"], mapping={}, folder_id=1, created_by=BY, created_at=clock.utcnow(),
                )
            )  # fmt: skip
            missions.create({"title": f"Call number {number}", "contact_id": number % 20 + 1}, BY)


def add_suppressions(count: int) -> None:
    """So many addresses that must not be written to."""
    values = {"channel": Channel.EMAIL, "source": SuppressionSource.UNSUBSCRIBED, "campaign_id": 1}
    for _ in range(0, count, made.CHUNK):
        with transaction():
            now = clock.utcnow()
            rows = [
                values | {"address_index": os.urandom(16), "created_at": now} for _ in range(min(count, made.CHUNK))
            ]
            db.session.execute(insert(Suppression), rows)

"""Creating, changing and moving campaigns. Flushes, never commits; the rows of the recipients follow in sending."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from app.audience.models import Folder
from app.campaigns import checks, custom_fields, fields, removal_log
from app.campaigns.document_content import refuse_programs
from app.campaigns.lifecycle import EDITABLE, OVER, TAKES_BACK, CampaignEvent, CampaignStatus, next_status
from app.campaigns.models import Campaign, CampaignDocument
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.kernel.queues import JobName, QueueName, enqueue_after_commit
from app.kernel.texts import N_, Phrase

MAX_DOCUMENTS_BYTES = 10 * 2**20

GONE = N_("There is no such campaign. It may have been deleted.")

# What others may move while somebody edits: read again, and locked, before a change is saved.
BOOKKEEPING = ("status", "revision", "lifecycle_serial", "settled_serial", "hold_reason", "changed_by", "changed_at")

# The moves that the audit log tells of. Waiting is none: a campaign does it every evening; who runs one says on what.
NOTED = {
    event: What(f"campaign.{event}") for event in CampaignEvent if event not in (CampaignEvent.WAIT, CampaignEvent.RUN)
}


def get(campaign_id: int) -> Campaign:
    """The campaign. Raises NotFound."""
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound(GONE)
    return campaign


def prepare_new(campaign: Campaign, by: str) -> None:
    """Check and stamp a campaign that is about to be added. Raises InvalidInput naming the field."""
    now = clock.utcnow()
    checks.check_campaign(campaign, now)
    campaign.status = CampaignStatus.DRAFT
    campaign.created_by = campaign.changed_by = by
    campaign.created_at = campaign.changed_at = now


def prepare_change(campaign: Campaign, by: str, revision: int | None = None) -> None:
    """Check and stamp a changed campaign before it is flushed.

    revision: the one the editor saw; None = the one that was loaded. Raises Conflict when it is not editable or was
    changed by another person meanwhile, InvalidInput naming the field.
    """
    seen = campaign.revision if revision is None else revision
    with db.session.no_autoflush:  # what is checked here must not be written before
        _reload_bookkeeping(campaign)
        check_editable(campaign)
        if seen != campaign.revision:
            raise Conflict(
                "%(name)s changed this campaign at %(time)s UTC. "
                "Nothing of yours was saved over it: reload the page and make your change again.",
                name=campaign.changed_by or N_("Somebody"),
                time=f"{campaign.changed_at:%H:%M}",
            )
        now = clock.utcnow()
        checks.check_campaign(campaign, now)
        changed = audit.changed(campaign)
        is_extended = "valid_until" in changed and campaign.status is CampaignStatus.EXPIRED
        if is_extended or campaign.status is CampaignStatus.SCHEDULED:
            checks.check_launch(campaign, now)
    campaign.changed_by, campaign.changed_at, campaign.revision = by, now, campaign.revision + 1
    _note(campaign, What.CAMPAIGN_CHANGE, by, fields=sorted(changed), revision=campaign.revision)
    if is_extended:
        _apply(campaign, CampaignEvent.EXTEND, by)
    elif campaign.status is CampaignStatus.SCHEDULED:
        campaign.next_send_at = None  # the tick looks at the new schedule at once
        if "folders" in changed:
            follow(campaign)


def _reload_bookkeeping(campaign: Campaign) -> None:
    try:
        db.session.refresh(campaign, BOOKKEEPING, with_for_update=True)
    except InvalidRequestError:
        raise NotFound(GONE) from None


def check_editable(campaign: Campaign) -> None:
    """Raises Conflict, saying what to do instead, for a campaign that cannot be edited in its state."""
    if campaign.status not in EDITABLE:
        raise Conflict(
            "A campaign that is %(status)s cannot be edited. %(advice)s",
            status=campaign.status,
            advice=_advice(campaign.status),
        )


def _advice(status: CampaignStatus) -> Phrase:
    if status is CampaignStatus.SENDING:
        return N_("Stop it first.")
    return N_("Duplicate it to send something like it again.")


def create(
    values: dict[str, Any], folder_ids: Sequence[int], by: str, custom: Mapping[int, Any] | None = None
) -> Campaign:
    """A new draft from plain values (column names of Campaign). Raises InvalidInput naming the field.

    custom: values of fields of our own by their ids.
    """
    campaign = Campaign(**checks.known_values(values))
    campaign.folders = folders(folder_ids)
    custom_fields.write(campaign, custom or {})
    prepare_new(campaign, by)
    _add(campaign)
    _note(campaign, What.CAMPAIGN_CREATE, by)
    return campaign


def _add(campaign: Campaign) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(campaign)
    except IntegrityError as error:
        checks.check_free_name(campaign)  # it was free before, but the index has the last word
        raise Conflict("A folder, the group or the SMTP account was deleted at this moment. Choose again.") from error


def folders(folder_ids: Sequence[int]) -> list[Folder]:
    """The folders with these ids. Raises InvalidInput when one does not exist."""
    found = list(db.session.scalars(select(Folder).where(Folder.id.in_(folder_ids)))) if folder_ids else []
    missing = set(folder_ids) - {folder.id for folder in found}
    if missing:
        raise InvalidInput(
            "There is no folder with the id %(id)s. Choose folders from the list.", "folders", id=min(missing)
        )
    return found


def publish(campaign_id: int, by: str) -> Campaign:
    """Make a campaign ready to be sent: its people are planned, and those stopped by an unpublish go on.

    Raises Conflict for a wrong state, InvalidInput when something is missing (sender, content, audience, dates).
    """
    campaign = lock(campaign_id)
    next_status(campaign.status, CampaignEvent.PUBLISH)
    checks.check_launch(campaign, clock.utcnow())
    return _apply(campaign, CampaignEvent.PUBLISH, by)


def start(campaign_id: int, by: str) -> Campaign:
    """Let a stopped or failed campaign go on. Raises as publish does."""
    campaign = lock(campaign_id)
    next_status(campaign.status, CampaignEvent.START)
    checks.check_launch(campaign, clock.utcnow())
    return _apply(campaign, CampaignEvent.START, by)


def stop(campaign_id: int, by: str) -> Campaign:
    """Pause it: from the commit on nothing new leaves (delivery.md promise 3). Its people keep waiting."""
    return _apply(lock(campaign_id), CampaignEvent.STOP, by)


def unpublish(campaign_id: int, by: str) -> Campaign:
    """Pause it and mark everybody who waits campaign-unpublished; publishing again resumes them."""
    return _apply(lock(campaign_id), CampaignEvent.UNPUBLISH, by, hold=Reason.CAMPAIGN_UNPUBLISHED)


def end(campaign_id: int, by: str) -> Campaign:
    """End it for ever: everybody who waits is marked campaign-ended."""
    return _apply(lock(campaign_id), CampaignEvent.END, by, hold=Reason.CAMPAIGN_ENDED)


def run_on_folders(campaign_id: int, folder_ids: Sequence[int], by: str) -> Campaign:
    """Add the people of these folders to a published campaign; a finished one goes on with them.

    A draft only remembers them until it is published.
    """
    if not folder_ids:
        raise InvalidInput("Choose at least one folder.", "folders")
    campaign = lock(campaign_id)
    campaign.folders = list({folder.id: folder for folder in [*campaign.folders, *folders(folder_ids)]}.values())
    _note(campaign, What.CAMPAIGN_RUN, by, folders=sorted(set(folder_ids)))
    return _take_in(campaign, by)


def run_on_picked(campaign_id: int, by: str) -> Campaign:
    """Let those who were just put into a campaign beside its folders get the message, as run_on_folders does."""
    return _take_in(lock(campaign_id), by)


def _take_in(campaign: Campaign, by: str) -> Campaign:
    if campaign.status is CampaignStatus.DRAFT:
        return _touched(campaign, by)
    return _apply(campaign, CampaignEvent.RUN, by, hold=campaign.hold_reason)


def go_on(campaign: Campaign, by: str) -> None:
    """Let a locked campaign send to recipients who were just put back in line, without planning anybody new.

    A finished one becomes live again, one that waits looks at once. Raises as check_goes_on does.
    """
    check_goes_on(campaign)
    if campaign.status is CampaignStatus.FINISHED:
        campaign.status = next_status(campaign.status, CampaignEvent.RUN)
        campaign.finished_at, campaign.waiting_for = None, ""
    campaign.next_send_at = None
    _touched(campaign, by)


def check_goes_on(campaign: Campaign) -> None:
    """Raises Conflict for a campaign that sends nothing any more, InvalidInput for a finished one that lacks what a
    launch needs."""
    if campaign.status not in TAKES_BACK:
        raise Conflict(
            "A campaign that is %(status)s sends nothing any more. Duplicate it to reach these people.",
            status=campaign.status,
        )
    if campaign.status is CampaignStatus.FINISHED:
        checks.check_launch(campaign, clock.utcnow())


def duplicate(campaign_id: int, by: str) -> Campaign:
    """An exact copy as a new draft, without schedule dates and without people sent to; who was removed stays so."""
    original = lock(campaign_id)  # two copies at the same moment get two names
    copy = Campaign(**{name: getattr(original, name) for name in fields.COPIED}, name=_free_name(original.name))
    copy.folders = list(original.folders)
    custom_fields.copy(original, copy)
    now = clock.utcnow()
    copy.created_by = copy.changed_by = by
    copy.created_at = copy.changed_at = now
    _add(copy)
    removal_log.copy(original, copy)
    _note(original, What.CAMPAIGN_DUPLICATE, by, copy_id=copy.id)
    _note(copy, What.CAMPAIGN_CREATE, by, copy_of=original.id)
    for document in checks.current_documents(original):
        _attach(copy, document.name, document.media_type, document.data)
    return copy


def _free_name(name: str) -> str:
    stem = name[:120]
    names = itertools.chain([f"{stem} (copy)"], (f"{stem} (copy {number})" for number in itertools.count(2)))
    # The database is asked, because its index holds names equal that differ in case or accents (MariaDB).
    return next(free for free in names if not db.session.scalar(select(Campaign.id).where(Campaign.name == free)))


def attach(campaign_id: int, name: str, media_type: str, data: bytes) -> CampaignDocument:
    """Attach a file. Raises Conflict when the campaign is not editable, InvalidInput for its name, type or size."""
    campaign = lock(campaign_id)
    check_editable(campaign)
    document = _attach(campaign, name, media_type, data)
    audit.note(What.CAMPAIGN_ATTACH, campaign_id, campaign.name, document=document.name)
    return document


def _attach(campaign: Campaign, name: str, media_type: str, data: bytes) -> CampaignDocument:
    name = checks.document_name(name)
    refuse_programs(name, data)
    if not data:
        raise InvalidInput("The file is empty. Choose another one.", "document")
    total = sum(document.size_bytes for document in checks.current_documents(campaign)) + len(data)
    if total > MAX_DOCUMENTS_BYTES:
        raise InvalidInput(
            "All documents of a campaign together may have 10 MB. Use a link for larger files.", "document"
        )
    document = CampaignDocument(
        campaign=campaign,
        name=name,
        media_type=checks.media_type(media_type, data),
        size_bytes=len(data),
        data=data,
        created_at=clock.utcnow(),
    )
    db.session.add(document)
    db.session.flush()
    return document


def detach(document_id: int) -> None:
    """Take a file off its campaign. Raises NotFound, or Conflict when the campaign is not editable."""
    document = db.session.get(CampaignDocument, document_id)
    if document is None or document.is_removed:
        raise NotFound("There is no such document. It may have been removed.")
    campaign = lock(document.campaign_id)
    check_editable(campaign)
    document.is_removed = True
    audit.note(What.CAMPAIGN_DETACH, campaign.id, campaign.name, document=document.name)
    db.session.flush()


def fail(campaign_id: int, detail: str) -> None:
    """The sender was refused for all, or the brake: nothing more is sent until a person mends it."""
    campaign = lock(campaign_id)
    if campaign.status is CampaignStatus.SENDING:
        _apply(campaign, CampaignEvent.FAIL, audit.MUSTER, reason=detail)
        campaign.status_detail = detail[:500]


def move(campaign: Campaign, event: CampaignEvent, by: str = audit.MUSTER) -> bool:
    """Make one move of the table by an UPDATE that names the old state; False when somebody else moved it first."""
    new = next_status(campaign.status, event)
    done = db.session.execute(
        update(Campaign)
        .where(Campaign.id == campaign.id, Campaign.status == campaign.status)
        .values(status=new)
        .execution_options(synchronize_session=False)
    )
    if not done.rowcount:
        return False
    db.session.expire(campaign, ["status"])
    if event is CampaignEvent.FINISH or (event is CampaignEvent.BEGIN and campaign.started_at is None):
        _note(campaign, NOTED[event], by)
    return True


def lock(campaign_id: int) -> Campaign:
    """The campaign, which nobody else moves or plans before this transaction ends. Raises NotFound."""
    campaign = db.session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None:
        raise NotFound(GONE)
    return campaign


def _apply(campaign: Campaign, event: CampaignEvent, by: str, hold: Reason | None = None, **detail: str) -> Campaign:
    """Move a campaign by a person's word and let its recipients' rows follow after the commit."""
    campaign.status = next_status(campaign.status, event)
    campaign.hold_reason = hold
    campaign.status_detail = campaign.waiting_for = ""
    campaign.next_send_at = None
    campaign.finished_at = clock.utcnow() if campaign.status in OVER else None
    follow(campaign)
    if event in NOTED:
        _note(campaign, NOTED[event], by, **detail)
    return _touched(campaign, by)


def _note(campaign: Campaign, what: What, by: str, **detail: object) -> None:
    audit.note(what, campaign.id, campaign.name, by, **detail)


def follow(campaign: Campaign) -> None:
    """Note that the rows must follow this move, and ring for the job that does it."""
    campaign.lifecycle_serial += 1
    ring_settle(campaign)


def ring_settle(campaign: Campaign) -> None:
    """Ring, after the commit, for the job that lets the rows follow the campaign's last move."""
    job_id = f"settle-{campaign.id}-{campaign.lifecycle_serial}"
    enqueue_after_commit(QueueName.DEFAULT, JobName.SETTLE_CAMPAIGN, campaign.id, job_id=job_id)


def _touched(campaign: Campaign, by: str) -> Campaign:
    campaign.changed_by, campaign.changed_at = by, clock.utcnow()
    db.session.flush()
    return campaign


def expire(campaign: Campaign) -> None:
    """The validity period is over: everybody who waits is marked validity-period-expired."""
    _apply(campaign, CampaignEvent.EXPIRE, audit.MUSTER, hold=Reason.VALIDITY_PERIOD_EXPIRED)


def wait(campaign: Campaign, why: str, until: datetime | None) -> None:
    """Note why a live campaign does not send now and when it will look again."""
    campaign.waiting_for, campaign.next_send_at = why[:200], until

"""What somebody should know before a campaign starts: whom it reaches, what is missing, when it leaves. Reads only."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, exists, func, select, union

from app.audience.fields import ATTRIBUTE_PREFIX
from app.audience.models import Contact, Suppression, contact_folder
from app.campaigns import checks, content
from app.campaigns.lifecycle import LIVE
from app.campaigns.models import SENDER_OF, Campaign, Removal
from app.channels import limits as channel_limits
from app.channels import stand_ins
from app.channels.contract import TO_PHONES, Reason
from app.channels.email_html import Taken
from app.channels.merge import UNSUBSCRIBE_URL
from app.channels.models import Sender as AnySender
from app.channels.segments import Size, size_of
from app.extensions import db
from app.kernel.errors import InvalidInput
from app.reports import metrics
from app.sending import destination, picked, preview, progress, throttle
from app.sending.forecast import Forecast, forecast
from app.sending.limits import bucket_key, limits_of
from app.sending.models import MAIN_STEP, CampaignRecipient
from app.sending.states import RESUMABLE, RecipientState
from app.sending.throttle import Kept, Limits, to_us

_C = Contact.__table__.c
_S = Suppression.__table__.c
_R = CampaignRecipient.__table__.c


@dataclass(frozen=True, slots=True)
class People:
    """Whom a campaign would write to from now on, and how many it leaves out for which reason."""

    waiting: int = 0
    left_out: dict[Reason, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Missing:
    """A field that the message uses without a default, how many people have nothing there, and one of them."""

    name: str
    people: int
    example_id: int


@dataclass(frozen=True, slots=True)
class Sender:
    """How the account stands. carrier: over which messages leave now, the account itself or its stand-in; stand_in: the
    one that it has for the case, if that may send. is_resting: nothing is sent because no server answers. is_used_up,
    is_account_used_up, is_channel_used_up: whether the carrier's limit of a day, or that of its Twilio account, or that
    of its channel, lets nothing more leave now; others: further campaigns that send through one of them or will."""

    account: AnySender
    carrier: AnySender
    stand_in: AnySender | None
    is_resting: bool
    is_used_up: bool
    is_account_used_up: bool
    is_channel_used_up: bool
    others: int


@dataclass(frozen=True, slots=True)
class Message:
    """The message of an example. size_bytes: with its documents, as it travels; html_bytes: of its HTML alone.
    left_out: what is written in it and not sent. text: how a text message travels, None for an e-mail."""

    size_bytes: int
    html_bytes: int
    documents: int
    has_own_link: bool
    left_out: tuple[Taken, ...] = ()
    text: Size | None = None


@dataclass(frozen=True, slots=True)
class LaunchCheck:
    """Everything about the start of a campaign. problems: what keeps it from starting (checks.launch_problems).

    sender, limits, outlook: None without an account; message: None when it cannot be made.
    """

    campaign: Campaign
    problems: tuple[InvalidInput, ...]
    people: People
    missing: tuple[Missing, ...]
    sender: Sender | None
    limits: Limits | None
    outlook: Forecast | None
    message: Message | None

    @property
    def is_earliest(self) -> bool:
        """Whether it may end later than the outlook says: how many people are of a domain with a pace of its own
        cannot be counted, as addresses are sealed."""
        return self.sender is not None and bool(self.sender.carrier.paces)


def check(campaign: Campaign, now: datetime) -> LaunchCheck:
    """Look at a campaign as it stands, without planning it. now: the database's clock."""
    people = people_of(campaign)
    account = campaign.sender
    limits = sender = outlook = None
    if account is not None:
        limits = limits_of(campaign, stand_ins.carrier_of(account), channel_limits.of(campaign.channel))
        kept = throttle.kept(limits, now)
        sender = _sender(campaign, account, limits, kept, now)
        outlook = forecast(people.waiting, checks.window_of(campaign, now), limits, now, kept)
    return LaunchCheck(
        campaign=campaign,
        problems=tuple(checks.launch_problems(campaign, now)),
        people=people,
        missing=missing_fields(campaign) if campaign.status not in LIVE else (),
        sender=sender,
        limits=limits,
        outlook=outlook,
        message=_message(campaign),
    )


def people_of(campaign: Campaign) -> People:
    """Whom it would write to: who was planned is known by the counters, who would come new is counted in folders."""
    counts = progress.of(campaign.id)
    is_planned = any(counts.values())
    waiting, left_out = counts[RecipientState.AWAITING] + counts[RecipientState.SENDING], dict[Reason, int]()
    for _state, reason, number in metrics.reasons(campaign.id).rows if is_planned else ():
        if reason in RESUMABLE and campaign.status not in LIVE:
            waiting += number
        elif reason in (Reason.NO_ADDRESS, Reason.SUPPRESSED, Reason.DUPLICATE_ADDRESS, Reason.REMOVED_BY_USER):
            left_out[reason] = left_out.get(reason, 0) + number
    if not is_planned or campaign.status not in LIVE:
        new, without = _counted(campaign, is_planned)
        waiting += new
        for reason, number in without.items():
            left_out[reason] = left_out.get(reason, 0) + number
    return People(waiting, dict(sorted(left_out.items(), key=lambda each: -each[1])))


def _has_row(campaign: Campaign, contact_id: Any) -> ColumnElement[bool]:
    return exists().where(_R.campaign_id == campaign.id, _R.step_id == MAIN_STEP, _R.contact_id == contact_id)


def _in_folders(campaign: Campaign) -> Select[Any]:
    ids = [folder.id for folder in campaign.folders]
    return select(contact_folder.c.contact_id).where(contact_folder.c.folder_id.in_(ids))


def _is_beside(campaign: Campaign) -> ColumnElement[bool]:
    return and_(_C.id.in_(picked.held(campaign.id)), _C.id.not_in(_in_folders(campaign)))


def _parts(campaign: Campaign) -> list[ColumnElement[bool]]:
    """Conditions for the contacts of the folders, and for those put in beside them: by itself, because an OR of both
    would be answered for each contact there is."""
    parts = [_C.id.in_(_in_folders(campaign))] if campaign.folders else []
    return [*parts, _is_beside(campaign)] if picked.has_any(campaign.id) else parts


def _size(campaign: Campaign, is_planned: bool) -> int:
    """How many people are in the audience, or how many of them have no row yet."""
    if not is_planned:
        return checks.audience_size(campaign)
    member = contact_folder.c.contact_id
    of_folders = _in_folders(campaign).where(~_has_row(campaign, member)).distinct()
    held = picked.held(campaign.id).subquery().c.contact_id
    beside = select(held).where(held.not_in(_in_folders(campaign)), ~_has_row(campaign, held))
    numbers = (db.session.scalar(select(func.count()).select_from(each.subquery())) for each in (of_folders, beside))
    return sum(number or 0 for number in numbers)


def _counted(campaign: Campaign, is_planned: bool) -> tuple[int, dict[Reason, int]]:
    """Who would come new and be written to, and why others would not.

    What is rare is counted from its own index: contacts without an address, and the suppression list.
    """
    total = _size(campaign, is_planned)
    without: dict[Reason, int] = {}
    for among in _parts(campaign) if total else ():
        new = and_(among, ~_has_row(campaign, _C.id)) if is_planned else among
        for reason, query in _left_out(campaign, new).items():
            if number := db.session.scalar(query):
                without[reason] = without.get(reason, 0) + number
    return total - sum(without.values()), without


def _left_out(campaign: Campaign, among: ColumnElement[bool]) -> dict[Reason, Select[Any]]:
    """The questions how many of these contacts are left out for which reason; nobody is in two of them."""
    index = _index(campaign)
    may_get_it = (among, index.is_not(None), ~_is_barred(campaign))
    removed = _C.id.in_(_kept_out(campaign))
    asked: dict[Reason, Select[Any]] = {
        Reason.NO_ADDRESS: select(func.count()).select_from(Contact).where(index.is_(None), among),
        Reason.SUPPRESSED: select(func.count())
        .select_from(Contact.__table__.join(Suppression.__table__, _S.address_index == index))
        .where(_S.channel == campaign.channel, among),
        Reason.REMOVED_BY_USER: select(func.count()).select_from(Contact).where(*may_get_it, removed),
    }
    if destination.of(campaign).is_shared:
        twice = func.count(index) - func.count(index.distinct())
        asked[Reason.DUPLICATE_ADDRESS] = select(twice).where(*may_get_it, ~removed)
    return asked


def _index(campaign: Campaign) -> Any:
    return destination.of(campaign).index


def _kept_out(campaign: Campaign) -> Select[Any]:
    """The contacts whom a person took out of this campaign before they had a place in it."""
    entries = (Removal.campaign_id == campaign.id, Removal.restored_at.is_(None), Removal.contact_id.is_not(None))
    return select(Removal.contact_id).where(*entries, Removal.reason == Reason.REMOVED_BY_USER)


def _is_barred(campaign: Campaign) -> ColumnElement[bool]:
    return exists().where(destination.of(campaign).is_barred)


def missing_fields(campaign: Campaign) -> tuple[Missing, ...]:
    """The fields that leave a hole in somebody's message, the largest first.

    One walk through the people; who is suppressed or removed is taken off afterwards, because to ask it of each of a
    million takes twice as long (measured).
    """
    try:
        names = sorted(content.fields_without_default(content.words_of(campaign)))
    except InvalidInput:
        return ()
    holes, found = {name: _is_missing(name) for name in names}, dict[str, Missing]()
    for people, among in _walks(campaign) if holes else ():
        who = and_(among, _index(campaign).is_not(None))
        everybody, gone = _holes(holes, people, who), _holes(holes, people, and_(who, _C.id.in_(_gone(campaign))))
        for name, (number, first) in everybody.items():
            not_them, first_of_them = gone[name]
            if number > not_them:
                example = _example(campaign, people, and_(who, holes[name])) if first == first_of_them else first
                before = found.get(name, Missing(name, 0, example))
                found[name] = Missing(name, before.people + number - not_them, before.example_id)
    return tuple(sorted(found.values(), key=lambda each: -each.people))


def _walks(campaign: Campaign) -> list[tuple[FromClause, ColumnElement[bool]]]:
    """Where to find the people of the folders, and those put in beside them, each once, to read their rows.

    Who is in several folders is met in the first: MariaDB would make a table of all of them for an IN.
    """
    ids = [folder.id for folder in campaign.folders]
    member, earlier = contact_folder.c, contact_folder.alias("earlier").c
    is_first: ColumnElement[bool] = member.folder_id.in_(ids)
    if len(ids) > 1:
        same = (earlier.contact_id == member.contact_id, earlier.folder_id < member.folder_id)
        is_first = and_(is_first, ~exists().where(*same, earlier.folder_id.in_(ids)))
    walks: list[tuple[FromClause, ColumnElement[bool]]] = []
    if ids:
        walks.append((Contact.__table__.join(contact_folder, member.contact_id == _C.id), is_first))
    if picked.has_any(campaign.id):
        walks.append((Contact.__table__, _is_beside(campaign)))
    return walks


def _holes(
    holes: dict[str, ColumnElement[bool]], people: FromClause, who: ColumnElement[bool]
) -> dict[str, tuple[int, int]]:
    """For each hole how many of these contacts have it, and the first of them."""
    columns = [
        column for hole in holes.values() for column in (func.count(case((hole, 1))), func.min(case((hole, _C.id))))
    ]
    row = db.session.execute(select(*columns).select_from(people).where(who)).one()
    return {name: (row[2 * place], row[2 * place + 1]) for place, name in enumerate(holes)}


def _gone(campaign: Campaign) -> Select[Any]:
    """The contacts that have an address and get nothing: suppressed, or removed."""
    barred = select(_C.id).join_from(Contact.__table__, Suppression.__table__, _S.address_index == _index(campaign))
    either = union(barred.where(_S.channel == campaign.channel), _kept_out(campaign)).subquery()
    return select(either.c.id)


def _example(campaign: Campaign, people: FromClause, who: ColumnElement[bool]) -> int:
    first = select(func.min(_C.id)).select_from(people).where(who, _C.id.not_in(_gone(campaign)))
    return db.session.scalar(first) or 0


def _is_missing(name: str) -> ColumnElement[bool]:
    """The condition that a contact has nothing in that field of a message; empty own fields are not stored."""
    if name.startswith(ATTRIBUTE_PREFIX):
        return func.json_extract(_C.attributes, f'$."{name.removeprefix(ATTRIBUTE_PREFIX)}"').is_(None)
    if name == "full_name":
        return and_(_C.first_name == "", _C.last_name == "")
    if name in ("email", "second_email", "phone"):
        return _C[f"{name}_index"].is_(None)
    return _C[name] == ""


def _sender(campaign: Campaign, account: AnySender, limits: Limits, kept: Kept, now: datetime) -> Sender:
    carrier = stand_ins.carrier_of(account)
    uses_it = getattr(Campaign, f"{SENDER_OF[campaign.channel]}_id").in_({account.id, carrier.id})
    mine = (uses_it, Campaign.channel == campaign.channel, Campaign.id != campaign.id, Campaign.status.in_(LIVE))
    full = {day.key for day in limits.days if throttle.free_of(day, kept.used_today[day.key], to_us(now)) <= 0}
    return Sender(
        account=account,
        carrier=carrier,
        stand_in=stand_ins.usable(account),
        is_resting=stand_ins.opens_at(account, now) is not None,
        is_used_up=bucket_key(carrier, "per_day") in full,
        is_account_used_up=carrier.shared is not None and bucket_key(carrier.shared, "per_day") in full,
        is_channel_used_up=f"channel:{campaign.channel}:day" in full,
        others=db.session.scalar(select(func.count()).select_from(Campaign).where(*mine)) or 0,
    )


def _message(campaign: Campaign) -> Message | None:
    try:
        made = preview.of(campaign, preview.first_of(campaign))
    except InvalidInput:
        return None
    documents = checks.current_documents(campaign)
    return Message(
        size_bytes=made.size_bytes + sum(document.size_bytes * 4 // 3 for document in documents),
        html_bytes=len(made.html.encode()),
        documents=len(documents),
        has_own_link=UNSUBSCRIBE_URL in f"{campaign.html}{campaign.text}",
        left_out=content.left_out(campaign),
        text=size_of(preview.marked(made.text, lambda _field: "")) if campaign.channel in TO_PHONES else None,
    )

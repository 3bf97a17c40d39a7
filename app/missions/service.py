"""Missions: writing and moving them, and letting their clients join campaigns. Flushes, never commits."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import inspect, select

from app.audience.fields import clean_text
from app.audience.models import Contact
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import TAKES_PEOPLE
from app.campaigns.models import PickSource
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.kernel.texts import N_
from app.missions.models import Mission, MissionCampaign
from app.missions.states import CLOSED, MissionPriority, MissionStatus
from app.sending import picked, standing
from app.sending.picked import Leaving
from app.sending.standing import Standing

E = TypeVar("E", bound=StrEnum)

TITLE_LIMIT, ASSIGNEE_LIMIT, NOTE_LIMIT = 200, 130, 5000
WRITABLE = frozenset({"title", "contact_id", "assignee_id", "assignee_name", "due_on", "status", "priority", "note"})

NEW = frozenset({Standing.JOINS, Standing.NO_ADDRESS, Standing.SUPPRESSED})  # they get a row that says so


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of adding a campaign to missions, in numbers of clients.

    A client of two missions counts once. without_client and closed: missions of which nothing was done.
    """

    clients: Mapping[Standing, int]
    without_client: int
    closed: int


def get(mission_id: int) -> Mission:
    """The mission. Raises NotFound."""
    mission = db.session.get(Mission, mission_id)
    if mission is None:
        raise NotFound("There is no such mission. It may have been deleted.")
    return mission


def create(values: Mapping[str, Any], by: str) -> Mission:
    """Add a mission. values: those of WRITABLE. Raises InvalidInput naming the field."""
    mission = Mission(status=MissionStatus.OPEN, priority=MissionPriority.NORMAL)
    now = clock.utcnow()
    with db.session.no_autoflush:
        _write(mission, {"contact_id": None} | dict(values))
        _check(mission)
    mission.closed_at = now if mission.status in CLOSED else None
    mission.created_by = mission.changed_by = by
    mission.created_at = mission.changed_at = now
    db.session.add(mission)
    db.session.flush()
    audit.note(What.MISSION_CREATE, mission.id, by=by)
    return mission


def change(mission_id: int, values: Mapping[str, Any], by: str) -> Mapping[Leaving, int]:
    """Give values of WRITABLE to a mission. Closing it takes its client out of the campaigns it brought them to.

    Returns what became of the client in these campaigns, in numbers of campaigns; nothing when it was not closed now.
    Opening it again brings nobody back: add the campaign again. Raises NotFound, InvalidInput naming the field.
    """
    mission = _locked(mission_id)
    was_closed, client = mission.status in CLOSED, mission.contact_id
    with db.session.no_autoflush:
        _write(mission, values)
        _check(mission)
        if mission.contact_id != client and _links(mission_id):
            raise InvalidInput(
                "Its client is in campaigns because of this mission. Make another mission for another client.",
                "contact_id",
            )
    is_closed = mission.status in CLOSED
    left: Mapping[Leaving, int] = {}
    if is_closed and not was_closed:
        left = _let_go(mission, by)
        audit.note(What.MISSION_CLOSE, mission_id, by=by)
    now = clock.utcnow()
    if is_closed != was_closed:
        mission.closed_at = now if is_closed else None
    mission.changed_by, mission.changed_at = by, now
    db.session.flush()
    return left


def delete(mission_id: int, by: str) -> None:
    """Delete a mission; its client leaves the campaigns as when it is closed. Raises NotFound."""
    mission = _locked(mission_id)
    _let_go(mission, by)
    audit.note(What.MISSION_DELETE, mission_id, by=by)
    db.session.delete(mission)
    db.session.flush()


def add_campaign(mission_ids: Collection[int], campaign_id: int, by: str) -> Joined:
    """Let the clients of these missions join a campaign, each once.

    Closed missions and those without a client are passed over. Raises InvalidInput without missions, NotFound, and
    Conflict for a campaign that takes nobody in.
    """
    if not mission_ids:
        raise InvalidInput("Choose at least one mission.", "mission_ids")
    missions = _all_locked(mission_ids)
    campaign = campaigns.lock(campaign_id)
    if campaign.status not in TAKES_PEOPLE:
        raise Conflict("This campaign takes nobody in any more. Choose another one, or a duplicate of it.")
    bringing = {
        mission.id: mission.contact_id
        for mission in missions
        if mission.status not in CLOSED and mission.contact_id is not None
    }
    stand = standing.of(campaign, set(bringing.values()))
    picked.put_in(campaign_id, PickSource.MISSION, bringing, by)
    _link(campaign_id, bringing, by)
    audit.note(What.CAMPAIGN_MISSIONS, campaign_id, campaign.name, by, missions=sorted(bringing))
    if not NEW.isdisjoint(stand.values()):
        campaigns.run_on_picked(campaign_id, by)
    clients = {kind: sum(each is kind for each in stand.values()) for kind in Standing}
    return Joined(
        clients={kind: number for kind, number in clients.items() if number},
        without_client=sum(mission.contact_id is None and mission.status not in CLOSED for mission in missions),
        closed=sum(mission.status in CLOSED for mission in missions),
    )


def _locked(mission_id: int) -> Mission:
    mission = db.session.get(Mission, mission_id, with_for_update=True, populate_existing=True)
    if mission is None:
        raise NotFound("There is no such mission. It may have been deleted.")
    return mission


def _all_locked(mission_ids: Collection[int]) -> list[Mission]:
    """Locked in the order of their ids, as everybody does it, and before any campaign."""
    query = select(Mission).where(Mission.id.in_(mission_ids)).order_by(Mission.id).with_for_update()
    missions = list(db.session.scalars(query.execution_options(populate_existing=True)))
    if len(missions) != len(set(mission_ids)):
        raise NotFound("There is no such mission. It may have been deleted.")
    return missions


def _links(mission_id: int) -> list[MissionCampaign]:
    query = select(MissionCampaign).where(MissionCampaign.mission_id == mission_id)
    return list(db.session.scalars(query.order_by(MissionCampaign.campaign_id)))


def _link(campaign_id: int, bringing: Mapping[int, int], by: str) -> None:
    mine = (MissionCampaign.campaign_id == campaign_id, MissionCampaign.mission_id.in_(list(bringing)))
    linked = set(db.session.scalars(select(MissionCampaign.mission_id).where(*mine)))
    now = clock.utcnow()
    for mission_id, contact_id in bringing.items():
        if mission_id not in linked:
            link = MissionCampaign(mission_id=mission_id, campaign_id=campaign_id, contact_id=contact_id)
            link.added_by, link.added_at = by, now
            db.session.add(link)
    db.session.flush()


def _let_go(mission: Mission, by: str) -> Mapping[Leaving, int]:
    left = Counter[Leaving]()
    for link in _links(mission.id):
        detail = N_("mission %(number)s was closed by %(name)s", number=mission.id, name=by)
        left[picked.let_go(link.campaign_id, link.contact_id, PickSource.MISSION, mission.id, detail, by)] += 1
    return left


def _write(mission: Mission, values: Mapping[str, Any]) -> None:
    unknown = sorted(set(values) - WRITABLE)
    if unknown:
        raise InvalidInput("%(name)s cannot be set on a mission.", unknown[0], name=unknown[0])
    for name, value in values.items():
        setattr(mission, name, value)


def _check(mission: Mission) -> None:
    mission.title = _text(mission.title, "title", TITLE_LIMIT)
    if not mission.title:
        raise InvalidInput("A mission needs a title.", "title")
    if mission.contact_id is None:
        if inspect(mission).attrs.contact_id.history.has_changes():
            raise InvalidInput("Choose the client that this mission is about.", "contact_id")
    elif db.session.get(Contact, mission.contact_id) is None:
        raise InvalidInput("There is no such contact. It may have been deleted.", "contact_id")
    mission.assignee_name = _text(mission.assignee_name, "assignee_id", ASSIGNEE_LIMIT) if mission.assignee_id else ""
    if mission.due_on is not None and not 2000 <= mission.due_on.year <= 2100:
        raise InvalidInput("Choose a date between 2000 and 2100.", "due_on")
    mission.status = _one_of(MissionStatus, mission.status, "status")
    mission.priority = _one_of(MissionPriority, mission.priority, "priority")
    mission.note = _text(mission.note, "note", NOTE_LIMIT)


def _one_of(kind: type[E], given: str, field: str) -> E:
    try:
        return kind(given)
    except ValueError as error:
        raise InvalidInput("Choose one of the values in the list.", field) from error


def _text(given: str | None, field: str, limit: int) -> str:
    try:
        return clean_text(limit, given or "")
    except InvalidInput as error:
        raise error.about(field) from error

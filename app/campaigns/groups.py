"""Campaign groups: named sets of campaigns, each campaign in one or in none. Flushes, never commits."""

from collections.abc import Collection

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.audience.fields import clean_text
from app.campaigns.models import Campaign, CampaignGroup
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.errors import Conflict, InvalidInput, NotFound

NAME_LIMIT, DESCRIPTION_LIMIT = 150, 500


def get(group_id: int) -> CampaignGroup:
    """The group. Raises NotFound."""
    group = db.session.get(CampaignGroup, group_id)
    if group is None:
        raise NotFound("There is no such campaign group. It may have been deleted.")
    return group


def create(name: str, description: str, campaign_ids: Collection[int], by: str) -> CampaignGroup:
    """Add a group with these campaigns, which leave the groups they were in. Raises InvalidInput naming the field."""
    group = _write(CampaignGroup(created_by=by, created_at=clock.utcnow()), name, description, by)
    _put(campaign_ids, group.id)
    audit.note(What.GROUP_CREATE, group.id, group.name, by, campaigns=sorted(set(campaign_ids)))
    return group


def change(group_id: int, by: str, *, name: str | None = None, description: str | None = None) -> CampaignGroup:
    """Give a group another name or description; None leaves it. Raises NotFound, InvalidInput naming the field."""
    group = get(group_id)
    old = {"name": group.name, "description": group.description}
    _write(group, group.name if name is None else name, group.description if description is None else description, by)
    if fields := audit.differing(old, group):
        audit.note(What.GROUP_CHANGE, group.id, group.name, by, fields=fields)
    return group


def move(group_id: int, by: str, *, into: Collection[int] = (), out: Collection[int] = ()) -> CampaignGroup:
    """Put campaigns into a group, out of the one they are in, and take others out of it.

    Whoever is in it and not named stays, also those that somebody else put in meanwhile. What a campaign says and
    when it was changed stay as they were: nobody who edits it at this moment is disturbed.
    """
    group = get(group_id)
    _put(into, group_id)
    left = update(Campaign).where(Campaign.id.in_(out), Campaign.group_id == group_id)
    db.session.execute(left.values(group_id=None).execution_options(synchronize_session=False))
    db.session.expire_all()
    group.changed_by, group.changed_at = by, clock.utcnow()
    audit.note(What.GROUP_CHANGE, group_id, group.name, by, into=sorted(set(into)), out=sorted(set(out)))
    db.session.flush()
    return group


def members(group_id: int) -> set[int]:
    """The ids of its campaigns."""
    return set(db.session.scalars(select(Campaign.id).where(Campaign.group_id == group_id)))


def sizes() -> dict[int | None, int]:
    """How many campaigns are in each group that has any, and under None in no group."""
    counted = select(Campaign.group_id, func.count()).group_by(Campaign.group_id)
    return dict(db.session.execute(counted).all())


def delete(group_id: int) -> None:
    """Delete a group; its campaigns stay, without a group. Raises NotFound."""
    group = get(group_id)
    loose = update(Campaign).where(Campaign.group_id == group_id).values(group_id=None)
    db.session.execute(loose.execution_options(synchronize_session=False))
    audit.note(What.GROUP_DELETE, group_id, group.name)
    db.session.delete(group)
    db.session.flush()
    db.session.expire_all()


def _put(campaign_ids: Collection[int], group_id: int) -> None:
    ids = set(campaign_ids)
    if not ids:
        return
    moved = update(Campaign).where(Campaign.id.in_(ids)).values(group_id=group_id)
    db.session.execute(moved.execution_options(synchronize_session=False))
    known = select(func.count()).where(Campaign.id.in_(ids), Campaign.group_id == group_id)
    if db.session.scalar(known) != len(ids):
        raise InvalidInput("There is no such campaign. It may have been deleted.", "campaigns")
    db.session.expire_all()


def _write(group: CampaignGroup, name: str, description: str, by: str) -> CampaignGroup:
    own_id = group.id
    name, description = _name(name, own_id), _line(DESCRIPTION_LIMIT, description, "description")
    try:
        with db.session.begin_nested():
            group.name, group.description = name, description
            group.changed_by, group.changed_at = by, clock.utcnow()
            db.session.add(group)
    except IntegrityError as error:
        _name(name, own_id)  # it was free before, but the index has the last word
        raise Conflict("This campaign group was changed by somebody else at this moment. Try again.") from error
    return group


def _name(given: str, own_id: int | None) -> str:
    name = _line(NAME_LIMIT, given, "name")
    if not name:
        raise InvalidInput("A campaign group needs a name.", "name")
    with db.session.no_autoflush:
        taken = db.session.scalar(select(CampaignGroup.id).where(CampaignGroup.name == name))
    if taken is not None and taken != own_id:
        raise InvalidInput("There is a campaign group with this name already.", "name")
    return name


def _line(limit: int, given: str, field: str) -> str:
    try:
        return clean_text(limit, given)
    except InvalidInput as error:
        raise error.about(field) from error

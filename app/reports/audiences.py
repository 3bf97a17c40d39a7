"""How many people drafts and folders reach, counted up to a bound. Reads only."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, literal, select, union, union_all

from app.audience.models import contact_folder
from app.campaigns.models import CampaignContact, campaign_folder
from app.extensions import db
from app.kernel import clock
from app.sending import picked

MOST = 25_000  # people that are counted; beyond it is said that there are more
MOST_KEPT = 200
SLOW_SECONDS, HOLDS_TIMES = 0.02, 40

_CF = campaign_folder.c
_CC = CampaignContact.__table__.c


@dataclass(frozen=True, slots=True)
class People:
    """A number of people. has_more: there are more than that."""

    number: int
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class _Counted:
    people: dict[int, People]
    holds_until: float


_Key = tuple[tuple[int, datetime], ...]
_counted: dict[_Key, _Counted] = {}


def in_folders(folder_ids: Collection[int]) -> People:
    """How many people are in these folders, each counted once."""
    if not folder_ids:
        return People(0)
    some = _some(folder_ids).subquery()
    return _people(db.session.scalar(select(func.count()).select_from(some)) or 0)


def of_drafts(drafts: Iterable[tuple[int, datetime]]) -> dict[int, People]:
    """How many people would get each of these drafts (id, when it was changed): those in its folders and those whom
    missions brought.

    Two statements for all of them; what took long holds for forty times as long as it took.
    """
    key = tuple(sorted(drafts))
    if not key:
        return {}
    known = _counted.get(key)
    if known is None or clock.steady() >= known.holds_until:
        began = clock.steady()
        found = _count([campaign_id for campaign_id, _changed_at in key])
        took = clock.steady() - began
        if took < SLOW_SECONDS:
            return found
        if len(_counted) >= MOST_KEPT:
            _counted.clear()
        _counted[key] = known = _Counted(found, began + took * HOLDS_TIMES)
    return known.people


def _count(campaign_ids: list[int]) -> dict[int, People]:
    """Drafts with the same folders are counted once, unless missions brought somebody as well."""
    chosen = select(_CF.campaign_id, _CF.folder_id).where(_CF.campaign_id.in_(campaign_ids))
    brought = select(_CC.campaign_id, literal(0)).where(_CC.campaign_id.in_(campaign_ids), _CC.released_at.is_(None))
    folders: dict[int, set[int]] = {campaign_id: set() for campaign_id in campaign_ids}
    for campaign_id, folder_id in db.session.execute(union_all(chosen, brought.distinct())):
        folders[campaign_id].add(folder_id)
    keys = {
        campaign_id: (frozenset(found - {0}), campaign_id if 0 in found else 0)
        for campaign_id, found in folders.items()
        if found
    }
    asked = list(dict.fromkeys(keys.values()))
    if not asked:
        return dict.fromkeys(campaign_ids, People(0))
    parts = [_number(at, folder_ids, campaign_id) for at, (folder_ids, campaign_id) in enumerate(asked)]
    numbers = dict(db.session.execute(union_all(*parts)).all())
    counted = {key: _people(numbers[at]) for at, key in enumerate(asked)}
    return {campaign_id: counted[keys[campaign_id]] if campaign_id in keys else People(0) for campaign_id in folders}


def _number(at: int, folder_ids: frozenset[int], campaign_id: int) -> Select[int, int]:
    some = _some(folder_ids).subquery()
    if campaign_id:
        some = union(select(some.c.contact_id), picked.held(campaign_id)).subquery()
    return select(literal(at), func.count()).select_from(some)


def _some(folder_ids: Collection[int]) -> Select[int]:
    people = select(contact_folder.c.contact_id).where(contact_folder.c.folder_id.in_(sorted(folder_ids)))
    return (people.distinct() if len(folder_ids) > 1 else people).limit(MOST + 1)


def _people(number: int) -> People:
    return People(min(number, MOST), number > MOST)

"""The pace to single recipient domains: who of a batch may leave now, and when the others are to be looked at again.

Each domain of a sender has slots a fixed interval apart, as every smooth limit (throttle.py), and they are taken in the
claim's own transaction. A message leaves at most EARLY_US before its slot and, or it is given back, at most LATE_US
after the claim; the interval is stretched by both, so that no sliding minute holds more than the pace, whatever worker
sends it. Who has no slot now waits without using up an attempt; each campaign plans for itself when one may be free, so
that nearly all of them are claimed twice and no more. The plan is a guess that saves work: only a slot lets one leave.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, case, delete, literal, update

from app.channels.contract import Reason
from app.channels.domain_pace import domain_of
from app.channels.models import Sender
from app.extensions import db
from app.kernel.crypto import CannotOpen
from app.kernel.db import UtcDateTime
from app.kernel.texts import N_
from app.sending import throttle
from app.sending.models import CampaignRecipient, ThrottleBucket
from app.sending.outcome import SUSPECT
from app.sending.states import RecipientState
from app.sending.throttle import SECOND_US, Limit

MINUTE_US = 60 * SECOND_US
EARLY_US, LATE_US = SECOND_US, 2 * SECOND_US
TOGETHER = 100  # recipients in one statement, which is searched through for each of them
MOST_KEY = 50  # characters of a domain that stand in a key as they are

Limits = Mapping[str, Limit]  # by domain

_R = CampaignRecipient.__table__.c


@dataclass(frozen=True, slots=True)
class Share:
    """What becomes of some recipients, by their place. leaving: who may leave now; paced: those of them whose domain
    has a pace; waiting: the others who were looked at, each with the moment to look again (microseconds since 1970).

    kept: by domain when its next slot is, and when the plan has its next place.
    """

    leaving: list[int]
    paced: list[int]
    waiting: dict[int, int]
    kept: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class LetThrough:
    """Recipients whom every domain lets through. last: the number of the last one, None when there is nobody; paced:
    the numbers of those who must leave soon or be given back."""

    last: int | None
    paced: frozenset[int]


@dataclass(frozen=True, slots=True)
class Line:
    """Recipients (seq, …) in turn, each with the domain that the message goes to, and what their domains let become of
    them as long as nothing else binds (found).

    keys: by domain those of its slots and of the campaign's plan, which are locked; kept: as share() takes it.
    """

    campaign_id: int
    people: Sequence[Row[Any]]
    domains: Sequence[str | None]
    limits: Limits
    keys: Mapping[str, tuple[str, str]]
    kept: Mapping[str, tuple[int, int]]
    now_us: int
    found: Share


def limits_of(sender: Sender) -> Limits:
    """The paces of a sender as limits, by domain."""
    return {domain: _limit(sender.key, domain, per_minute) for domain, per_minute in sender.paces.items()}


def _limit(sender_key: str, domain: str, per_minute: int) -> Limit:
    interval_us = -(-(MINUTE_US + EARLY_US + LATE_US) // per_minute)
    return Limit(_key(sender_key, domain), interval_us, LATE_US, domain, per_minute)


def _key(begin: str, domain: str) -> str:
    name = domain if len(domain) <= MOST_KEY else hashlib.sha256(domain.encode()).hexdigest()[:32]
    return f"{begin}:to:{name}"


def share(
    domains: Sequence[str | None], limits: Limits, kept: Mapping[str, tuple[int, int]], now_us: int, most: int
) -> Share:
    """Look at recipients in turn until `most` may leave. Pure.

    domains: of each recipient, None where nobody knows it. kept: by domain when its next slot is, and when the plan has
    its next place.
    """
    found = Share([], [], {}, dict(kept))
    for place, domain in enumerate(domains):
        if len(found.leaving) == most:
            break
        limit = limits.get(domain) if domain else None
        if domain is None or limit is None:
            found.leaving.append(place)
            continue
        next_us, planned_us = found.kept.get(domain, (0, 0))
        slot_us = max(next_us, now_us)
        if slot_us <= now_us + EARLY_US:
            found.leaving.append(place)
            found.paced.append(place)
            found.kept[domain] = slot_us + limit.interval_us, planned_us
        else:
            found.waiting[place] = max(planned_us, next_us)
            found.kept[domain] = next_us, found.waiting[place] + limit.interval_us
    return found


def line_up(
    campaign_id: int,
    people: Sequence[Row[Any]],
    domain: Callable[[Row[Any]], str | None],
    limits: Limits,
    now: datetime,
    *,
    most: int,
) -> Line:
    """Recipients, of whom at most so many are wanted, with the slots of their domains locked and not taken yet.

    domain: of the address that one goes to. now: the database's clock. The caller holds the lock of their batch.
    """
    found = [domain(each) for each in people]
    # in order, so that no two claims wait for each other
    met = sorted({name for name in found if name is not None and name in limits})
    keys = {name: (limits[name].key, _key(f"campaign:{campaign_id}", name)) for name in met}
    buckets = throttle.locked_buckets(sorted(key for pair in keys.values() for key in pair))
    kept = {name: (buckets[slots][0], buckets[plan][0]) for name, (slots, plan) in keys.items()}
    now_us = throttle.to_us(now)
    shared = share(found, limits, kept, now_us, most)
    return Line(campaign_id, people, found, limits, keys, kept, now_us, shared)


def let_through(line: Line, granted: int) -> LetThrough:
    """Take slots for those who may leave, or as many of them as were granted slots of all other limits, and let the
    others who were looked at wait."""
    people, shared = line.people, line.found
    if granted < len(shared.leaving):
        shared = share(line.domains, line.limits, line.kept, line.now_us, granted)
    for name, keys in line.keys.items():
        for key, before_us, after_us in zip(keys, line.kept[name], shared.kept[name], strict=True):
            if after_us != before_us:
                throttle.set_bucket(key, after_us, 0)
        _wait(
            line.campaign_id,
            name,
            {people[at].seq: due for at, due in shared.waiting.items() if line.domains[at] == name},
        )
    last = people[shared.leaving[-1]].seq if shared.leaving else None
    return LetThrough(last, frozenset(people[at].seq for at in shared.paced))


def _wait(campaign_id: int, domain: str, due: dict[int, int]) -> None:
    moments = [(seq, literal(throttle.from_us(moment_us), UtcDateTime())) for seq, moment_us in due.items()]
    for first in range(0, len(moments), TOGETHER):
        some = dict(moments[first : first + TOGETHER])
        db.session.execute(
            update(CampaignRecipient)
            .where(_R.campaign_id == campaign_id, _R.seq.in_(some), _R.state == RecipientState.AWAITING)
            .values(
                not_before=case(some, value=_R.seq),
                reason=Reason.DOMAIN_PACE,
                detail=_unless_suspect(N_("Waits for the pace to %(domain)s", domain=domain)[:255]),
            )
            .execution_options(synchronize_session=False)
        )


def domain_in(destination: Any, opened: Callable[[bytes, bytes], Any]) -> Callable[[Row[Any]], str | None]:
    """What tells the domain of the address that a message to this person (sealed, uid) goes to."""

    def domain(person: Row[Any]) -> str | None:
        try:
            address = destination.address(opened(person.sealed, person.uid)) if person.sealed else None
        except CannotOpen:  # said when the message is made
            return None
        return domain_of(address) if address else None

    return domain


def _unless_suspect(detail: str | None) -> ColumnElement[str | None]:
    """These words, but for who was alone in a worker that died: should the next one die as well, it is to blame."""
    return case((_R.detail == SUSPECT.detail, _R.detail), else_=detail)


def release(campaign_id: int, lo: int, hi: int) -> int:
    """Let those of these recipients who wait for a domain be looked at at once, as their pace is another now or they
    wait no more; returns how many. The caller has locked the batches."""
    db.session.execute(delete(ThrottleBucket).where(ThrottleBucket.key.startswith(f"campaign:{campaign_id}:to:")))
    here = (_R.campaign_id == campaign_id, _R.seq.between(lo, hi))
    return db.session.execute(
        update(CampaignRecipient)
        .where(*here, _R.state == RecipientState.AWAITING, _R.reason == Reason.DOMAIN_PACE)
        .values(not_before=None, reason=None, detail=_unless_suspect(None))
        .execution_options(synchronize_session=False)
    ).rowcount


def shift(sender_key: str, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Let changed paces hold from the next slot on: it lies as far behind the last one as the new pace says."""
    for domain in sorted(before.keys() & after.keys()):
        old, new = _limit(sender_key, domain, before[domain]), _limit(sender_key, domain, after[domain])
        moved = update(ThrottleBucket).where(ThrottleBucket.key == new.key)
        db.session.execute(moved.values(next_us=ThrottleBucket.next_us + new.interval_us - old.interval_us))

"""What each person wants to hear of, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import Table, delete, select

from app.extensions import db
from app.kernel.errors import InvalidInput
from app.notices.models import NoticeChoice, NoticeKind, NoticeManner, Scope, Way

LEADS = (15, 60, 180, 1440)  # minutes before a start
USUAL_LEAD = 60
LANGUAGES = ("en", "pl")

# In the panel everybody hears of their own campaigns; by e-mail of what is over or went wrong.
_BY_MAIL = frozenset({NoticeKind.FINISHED, NoticeKind.FAILED, NoticeKind.PAUSED, NoticeKind.STAND_IN})
USUAL: dict[tuple[NoticeKind, Way], Scope] = {
    (kind, way): Scope.OWN if way is Way.PANEL or kind in _BY_MAIL else Scope.NONE for kind in NoticeKind for way in Way
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be told. lead_minutes: how long before a start; language: of their e-mails."""

    id: int
    username: str
    email: str
    lead_minutes: int = USUAL_LEAD
    language: str = LANGUAGES[0]
    scopes: Mapping[tuple[NoticeKind, Way], Scope] = field(default_factory=lambda: USUAL)

    def ways(self, kind: NoticeKind, owners: frozenset[str]) -> frozenset[Way]:
        """How this person hears of something that happened to campaigns of these owners."""
        is_own = self.username in owners
        return frozenset(
            way
            for way in Way
            if self.scopes[kind, way] is Scope.ALL or (is_own and self.scopes[kind, way] is Scope.OWN)
        )


def people_table() -> Table:
    """FAB's table of people."""
    return Model.metadata.tables["ab_user"]


def people() -> list[Person]:
    """Everybody with an account that is active, with what they chose: three statements."""
    user = people_table().c
    chosen: dict[int, dict[tuple[NoticeKind, Way], Scope]] = {}
    for choice in db.session.scalars(select(NoticeChoice)):
        chosen.setdefault(choice.person_id, {})[choice.kind, choice.way] = choice.scope
    manners = {manner.person_id: manner for manner in db.session.scalars(select(NoticeManner))}
    rows = db.session.execute(select(user.id, user.username, user.email).where(user.active.is_(True)))
    return [_person((id_, username, email), manners.get(id_), chosen.get(id_, {})) for id_, username, email in rows]


def of(person_id: int) -> Person:
    """One person, with what they chose."""
    user = people_table().c
    row = db.session.execute(select(user.id, user.username, user.email).where(user.id == person_id)).one()
    chosen = db.session.scalars(select(NoticeChoice).where(NoticeChoice.person_id == person_id))
    scopes = {(choice.kind, choice.way): choice.scope for choice in chosen}
    return _person(row, db.session.get(NoticeManner, person_id), scopes)


def _person(row: tuple[int, str, str], manner: NoticeManner | None, scopes: dict[Any, Scope]) -> Person:
    id_, username, email = row
    lead, language = (manner.lead_minutes, manner.language) if manner else (USUAL_LEAD, LANGUAGES[0])
    return Person(id_, username, email or "", lead, language, {**USUAL, **scopes})


def save(person_id: int, scopes: Mapping[tuple[NoticeKind, Way], Scope], lead_minutes: int, language: str) -> None:
    """What a person wants from now on. Raises InvalidInput naming the field."""
    if lead_minutes not in LEADS:
        raise InvalidInput("Choose one of the offered times.", "lead_minutes")
    db.session.execute(delete(NoticeChoice).where(NoticeChoice.person_id == person_id))
    for (kind, way), scope in scopes.items():
        db.session.add(NoticeChoice(person_id=person_id, kind=kind, way=way, scope=scope))
    known = language if language in LANGUAGES else LANGUAGES[0]
    db.session.merge(NoticeManner(person_id=person_id, lead_minutes=lead_minutes, language=known))
    db.session.flush()

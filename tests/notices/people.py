"""People with an account, for tests without the panel."""

from sqlalchemy import insert

from app.extensions import db
from app.kernel.db import transaction
from app.notices import choices
from app.notices.choices import Person
from app.notices.models import NoticeKind, Scope, Way


def person(username: str, email: str | None = None, active: bool = True) -> int:
    """Somebody with an account; returns the id."""
    values = {"first_name": username, "last_name": "Test", "username": username, "active": active}
    with transaction():
        row = db.session.execute(
            insert(choices.people_table()).values(**values, email=email or f"{username}@team.example")
        )
        return int(row.inserted_primary_key[0])


def wants(person_id: int, kind: NoticeKind, way: Way, scope: Scope, **manner: object) -> Person:
    """Let them choose; the rest stays as it was."""
    before = choices.of(person_id)
    lead, language = manner.get("lead_minutes", before.lead_minutes), manner.get("language", before.language)
    with transaction():
        choices.save(person_id, {**before.scopes, (kind, way): scope}, lead, language)  # type: ignore[arg-type]
    return choices.of(person_id)

"""Internal statuses: labels that people give to recipients. Flushes, never commits.

What is deleted here disappears at once from every page, because a label is read through this table; the recipients that
carry it are cleaned afterwards by a job (sending.labels).
"""

import re

from sqlalchemy import delete as delete_from
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from app.audience.fields import clean_text
from app.campaigns.models import InternalStatus, RetiredStatus
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.kernel.queues import JobName, QueueName, enqueue_after_commit

NAME_LIMIT = 60
COLOR = re.compile(r"#[0-9a-f]{6}")
# Ten that are told apart beside each other, also by most people who see red and green alike.
SUGGESTED = (
    "#2f54d9",
    "#0d8f8c",
    "#2b8a3e",
    "#8fbc1c",
    "#e0a100",
    "#e8590c",
    "#d6336c",
    "#9c36b5",
    "#6f4e37",
    "#5f6b7a",
)


def get(status_id: int) -> InternalStatus:
    """The internal status. Raises NotFound."""
    status = db.session.get(InternalStatus, status_id)
    if status is None:
        raise NotFound("There is no such internal status. It may have been deleted.")
    return status


def keep(status_id: int) -> InternalStatus:
    """The internal status, which nobody can delete before this transaction ends: for giving it to recipients.

    Raises NotFound.
    """
    db.session.execute(select(InternalStatus.id).where(InternalStatus.id == status_id).with_for_update(read=True))
    return get(status_id)


def in_order() -> list[InternalStatus]:
    """All internal statuses by name."""
    return list(db.session.scalars(select(InternalStatus).order_by(InternalStatus.name)))


def free_color() -> str:
    """The first suggested colour that no internal status has, else the first."""
    taken = set(db.session.scalars(select(InternalStatus.color)))
    return next((color for color in SUGGESTED if color not in taken), SUGGESTED[0])


def create(name: str, color: str, by: str) -> InternalStatus:
    """Add an internal status. Raises InvalidInput naming the field, also for a name or colour that another one has."""
    status = _write(InternalStatus(created_by=by, created_at=clock.utcnow()), name, color, by)
    audit.note(What.STATUS_CREATE, status.id, status.name, by)
    return status


def change(status_id: int, by: str, *, name: str | None = None, color: str | None = None) -> InternalStatus:
    """Give an internal status another name or colour; None leaves it. Raises NotFound, and InvalidInput as create."""
    status = get(status_id)
    old = {"name": status.name, "color": status.color}
    _write(status, status.name if name is None else name, status.color if color is None else color, by)
    if fields := audit.differing(old, status):
        audit.note(What.STATUS_CHANGE, status.id, status.name, by, fields=fields)
    return status


def delete(status_id: int) -> None:
    """Delete an internal status; whoever carries it has none from the commit on. Raises NotFound."""
    name = get(status_id).name
    gone = db.session.execute(delete_from(InternalStatus).where(InternalStatus.id == status_id)).rowcount
    if gone:  # else somebody else was faster
        db.session.execute(insert(RetiredStatus).values(id=status_id))
        audit.note(What.STATUS_DELETE, status_id, name)
        ring_clearing(status_id)
    db.session.expire_all()


def ring_clearing(status_id: int) -> None:
    """Ring, after the commit, for the job that takes a deleted internal status off the recipients."""
    job_id = f"clear-status-{status_id}"
    enqueue_after_commit(QueueName.BULK, JobName.CLEAR_STATUS, status_id, job_id=job_id)


def _write(status: InternalStatus, name: str, color: str, by: str) -> InternalStatus:
    own_id = status.id
    name, color = _name(name, own_id), _color(color, own_id)
    try:
        with db.session.begin_nested():
            status.name, status.color = name, color
            status.changed_by, status.changed_at = by, clock.utcnow()
            db.session.add(status)
    except IntegrityError as error:  # both were free before, but the indexes have the last word
        _name(name, own_id)
        _color(color, own_id)
        raise Conflict("This internal status was changed by somebody else at this moment. Try again.") from error
    return status


def _name(given: str, own_id: int | None) -> str:
    try:
        name = clean_text(NAME_LIMIT, given)
    except InvalidInput as error:
        raise error.about("name") from error
    if not name:
        raise InvalidInput("An internal status needs a name.", "name")
    if _taken(InternalStatus.name == name, own_id):
        raise InvalidInput("There is an internal status with this name already.", "name")
    return name


def _color(given: str, own_id: int | None) -> str:
    color = given.strip().lower()
    if not COLOR.fullmatch(color):
        raise InvalidInput("Choose a colour, written as # and six digits such as #2f54d9.", "color")
    if _taken(InternalStatus.color == color, own_id):
        raise InvalidInput("Another internal status has this colour. Choose a different one.", "color")
    return color


def _taken(by_another: object, own_id: int | None) -> bool:
    with db.session.no_autoflush:
        found = db.session.scalar(select(InternalStatus.id).where(by_another))  # type: ignore[arg-type]
    return found is not None and found != own_id

"""The filters that people keep: each under a name, of one page and of one person; a page may open with one of them."""

import unicodedata
from datetime import datetime
from urllib.parse import unquote_plus

from flask_appbuilder import Model
from sqlalchemy import Boolean, ForeignKey, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel import clock
from app.kernel.audit import ADDRESS
from app.kernel.db import UtcDateTime
from app.kernel.errors import Conflict, InvalidInput, NotFound

NAME_LIMIT, QUERY_LIMIT = 60, 2000
MOST = 50  # of one person on one page


class SavedFilter(Model):
    """A question to a page. page: the page's name inside; query: the arguments of its address."""

    __tablename__ = "saved_filter"
    __table_args__ = (UniqueConstraint("user_id", "page", "name", name="uq_saved_filter_name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    page: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(NAME_LIMIT))
    query: Mapped[str] = mapped_column(String(QUERY_LIMIT))
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return self.name


def of_page(user_id: int, page: str) -> list[SavedFilter]:
    """What a person keeps of a page, by name."""
    mine = select(SavedFilter).where(SavedFilter.user_id == user_id, SavedFilter.page == page)
    return list(db.session.scalars(mine.order_by(SavedFilter.name)))


def get(user_id: int, filter_id: int) -> SavedFilter:
    """One of a person's filters. Raises NotFound, also for another person's."""
    found = db.session.get(SavedFilter, filter_id)
    if found is None or found.user_id != user_id:
        raise NotFound("There is no such filter. It may have been deleted.")
    return found


def save(user_id: int, page: str, name: str, query: str, is_default: bool) -> SavedFilter:
    """Keep a filter. Raises InvalidInput for what cannot be kept, Conflict when there are too many."""
    if not query:
        raise InvalidInput("Nothing is filtered. Filter the list first, then save the filter.")
    if len(query) > QUERY_LIMIT:
        raise InvalidInput("This filter is too long to be kept. Take a part of it away.")
    if ADDRESS.search(unquote_plus(query)):  # addresses of people stand sealed in the database, and nowhere in clear
        raise InvalidInput("A filter with an address of a person is not kept. Take the address away, then save it.")
    others = of_page(user_id, page)
    if len(others) >= MOST:
        raise Conflict("You keep %(most)s filters of this page. Delete one first.", most=MOST)
    made = SavedFilter(user_id=user_id, page=page, query=query, created_at=clock.utcnow())
    _name(made, name, is_default, others)
    db.session.add(made)
    db.session.flush()
    return made


def change(user_id: int, filter_id: int, name: str, is_default: bool) -> None:
    """Give a filter another name, and let its page open with it or not. Raises as get and save do."""
    mine = get(user_id, filter_id)
    _name(mine, name, is_default, [each for each in of_page(user_id, mine.page) if each is not mine])
    db.session.flush()


def remove(user_id: int, filter_id: int) -> None:
    """Forget a filter. Raises NotFound."""
    db.session.execute(delete(SavedFilter).where(SavedFilter.id == get(user_id, filter_id).id))


def _name(mine: SavedFilter, name: str, is_default: bool, others: list[SavedFilter]) -> None:
    mine.name, mine.is_default = _checked(name, others), is_default
    for other in others if is_default else ():
        other.is_default = False


def _checked(name: str, others: list[SavedFilter]) -> str:
    found = " ".join(name.split())
    if not found or any(unicodedata.category(each)[0] == "C" for each in found):
        raise InvalidInput("Give the filter a name.", "name")
    if len(found) > NAME_LIMIT:
        raise InvalidInput("The name may have %(limit)s characters. Write a shorter one.", "name", limit=NAME_LIMIT)
    if found.casefold() in {each.name.casefold() for each in others}:
        raise InvalidInput("You keep a filter of this name on this page. Choose a different name.", "name")
    return found

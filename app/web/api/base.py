"""The base class of the REST APIs: FAB's routes without its habit of failing open, every write one unit of work."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import prison
from flask import abort, current_app, g, request
from flask_appbuilder import ModelRestApi, expose
from flask_appbuilder.exceptions import InvalidColumnFilterFABException, InvalidOrderByColumnFABException
from flask_appbuilder.models.filters import Filters
from flask_appbuilder.security.decorators import protect
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.exceptions import BadRequest

from app.kernel.db import reading
from app.kernel.errors import AppError
from app.web.api import bodies
from app.web.api.openapi import DONE, LIST, ONE, OWN, RESPONSES, described, ref
from app.web.base import Guarded, unit_of_work
from app.web.errors import WORDS
from app.web.lists import OwnFilters

T = TypeVar("T")

MAX_PAGE = 10_000
ASKABLE = frozenset({"filters", "page", "page_size", "order_column", "order_direction"})
RISON = "Rison: (filters:!((col:name,opr:ct,value:spring)),order_column:name,order_direction:asc,page:0,page_size:25)"


class RestApi(Guarded, OwnFilters, ModelRestApi):
    """The REST API of one table.

    Its four schemas say what goes in and out. Override create, change and remove: they run inside the transaction,
    write through services and raise AppError to refuse. A call that relies on the session cookie needs the CSRF token;
    one with an Authorization header does not.
    """

    allow_browser_login = True
    exclude_route_methods = {"info"}
    responses = RESPONSES
    own_names: dict[str, str] = {}  # a service's name of a field -> the one in our JSON, where they differ

    def __init__(self) -> None:
        self._declare()
        super().__init__()

    def operation_helper(self, path: str | None = None, operations: Any = None, **kwargs: Any) -> None:
        """The description of a route, with the numbers in its path."""
        super().operation_helper(path=path, operations=operations, **kwargs)
        numbers = [
            {"in": "path", "name": name, "required": True, "schema": {"type": "integer"}}
            for name in re.findall(r"\{(\w+)\}", path or "")
        ]
        for operation in operations.values():
            operation["parameters"] = [*numbers, *operation.get("parameters", ())]

    def response_403(self) -> Any:
        """The refusal of a role, as the panel words it."""
        return self.response(403, message=str(WORDS[403]))

    def create(self, values: dict[str, Any]) -> Any:
        """Make and add the new row from checked values; returns it."""
        raise NotImplementedError

    def change(self, item: Any, values: dict[str, Any]) -> None:
        """Write checked values into the row."""
        raise NotImplementedError

    def remove(self, item: Any) -> None:
        """Delete the row."""
        raise NotImplementedError

    @expose("/", methods=["GET"])
    @protect()
    @described("get", LIST, query=[("q", RISON)])
    def get_list(self) -> Any:
        """A page of the list."""
        return self.get_list_headless(rison=asked())

    @expose("/<int:pk>", methods=["GET"])
    @protect()
    @described("get", ONE)
    def get(self, pk: int) -> Any:
        """One of them."""
        return self.shown(self.item(pk))

    @expose("/", methods=["POST"])
    @protect()
    @described("post", ONE, body=ref(f"{OWN}.post"), status=201)
    def post(self) -> Any:
        """Make a new one."""
        values = bodies.read(self.add_model_schema)
        return self.shown(self.written(lambda: self.create(values)), 201)

    @expose("/<int:pk>", methods=["PUT"])
    @protect()
    @described("put", ONE, body=ref(f"{OWN}.put"))
    def put(self, pk: int) -> Any:
        """Change the values that are named; the others stay."""
        values = bodies.read(self.edit_model_schema, partial=True)

        def change() -> Any:
            item = self.item(pk)
            self.change(item, values)
            return item

        return self.shown(self.written(change))

    @expose("/<int:pk>", methods=["DELETE"])
    @protect()
    @described("delete", DONE)
    def delete(self, pk: int) -> Any:
        """Delete it."""
        self.written(lambda: self.remove(self.item(pk)))
        return self.response(200, message=_("It was deleted."))

    def item(self, pk: int) -> Any:
        """The row, or 404."""
        found = self.datamodel.get(pk, self._base_filters)
        return found if found is not None else abort(404)

    def written(self, step: Callable[[], T]) -> T:
        """The step's result after its commit; a refusal names the field as our JSON does."""
        try:
            result: T = unit_of_work(step)
        except AppError as error:
            error.field = self.own_names.get(error.field or "", error.field)
            raise
        return result

    def shown(self, item: Any, status: int = 200) -> Any:
        """The answer that shows a row as it is in the database."""
        with reading():  # after a write: not as a writer again, which SQLite has only one of
            return self.response(status, id=self.datamodel.get_pk_value(item), result=self.show_model_schema.dump(item))

    def _handle_filters_args(self, rison_args: dict[str, Any]) -> Filters:
        given = rison_args.get("filters", [])
        if not isinstance(given, list):
            raise InvalidColumnFilterFABException("filters is a list, such as !((col:name,opr:ct,value:spring))")
        self._filters.clear_filters()
        for each in given:
            if not isinstance(each, dict) or set(each) != {"col", "opr", "value"}:
                raise InvalidColumnFilterFABException("A filter is an object with col, opr and value")
            self._add_filter(str(each["col"]), str(each["opr"]), each["value"])
        return self._filters.get_joined_filters(self._base_filters)

    def _add_filter(self, column: str, operator: str, value: Any) -> None:
        # Not FAB's way, which takes the usual filter of an operator in place of the one made for the column.
        if not isinstance(value, str | int | float):
            raise InvalidColumnFilterFABException("The value of a filter is a text, a number or a truth value")
        for filter_ in self._filters.get_search_filters().get(column, ()):
            if filter_.arg_name == operator:
                return self._filters._add_filter(filter_, value)
        raise InvalidColumnFilterFABException(f"Filter not allowed: {column} {operator}")

    def _handle_order_args(self, rison_args: dict[str, Any]) -> Any:
        if rison_args.get("order_direction", "asc") not in ("asc", "desc"):
            raise InvalidOrderByColumnFABException("order_direction is asc or desc")
        column = rison_args.get("order_column")
        if column is not None and column not in self.order_columns:
            raise InvalidOrderByColumnFABException(f"Invalid order by column: {column}")
        return super()._handle_order_args(rison_args)

    def _handle_page_args(self, rison_args: dict[str, Any]) -> Any:
        page, size = rison_args.get("page", 0), rison_args.get("page_size", self.page_size)
        largest = current_app.config["FAB_API_MAX_PAGE_SIZE"]
        if type(page) is not int or not 0 <= page <= MAX_PAGE:
            raise BadRequest(_("%(name)s is a number from %(least)s to %(most)s.", name="page", least=0, most=MAX_PAGE))
        if type(size) is not int or not 1 <= size <= largest:
            raise BadRequest(
                _("%(name)s is a number from %(least)s to %(most)s.", name="page_size", least=1, most=largest)
            )
        return page, size


def asked() -> dict[str, Any]:
    """What q asks for. FAB takes unreadable Rison for a fault of its own, and passes over words it does not know."""
    given = request.args.get("q")
    if given is None:
        return {}
    try:
        arguments = prison.loads(given)
    except (
        prison.decoder.ParserException,
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise BadRequest(_("q is not readable Rison.")) from error
    if not isinstance(arguments, dict) or not ASKABLE.issuperset(arguments):
        raise BadRequest(_("q is a Rison object with any of %(names)s.", names=", ".join(sorted(ASKABLE))))
    return arguments


def own_address() -> str:
    """The e-mail address of the person of this request."""
    return str(getattr(current_user, "email", None) or g.user.email)


def number_asked(name: str, usual: int, largest: int) -> int:
    """A whole number in the address, as limit=100."""
    given = request.args.get(name)
    if given is None:
        return usual
    if not re.fullmatch(r"[0-9]{1,10}", given) or int(given) > largest:
        raise BadRequest(_("%(name)s is a number from %(least)s to %(most)s.", name=name, least=0, most=largest))
    return int(given)

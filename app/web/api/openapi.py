"""The description of a route for /swagger, written beside the route in a few words."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from marshmallow import Schema

F = TypeVar("F", bound=Callable[..., Any])

OWN = "{{self.__class__.__name__}}"  # FAB puts the name of the API here
REFUSALS = (400, 401, 403, 404, 409, 422)
RESPONSES: dict[str, Any] = {
    str(status): {
        "description": words,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"message": {"type": "string"}, "field": {"type": "string"}},
                    "required": ["message"],
                }
            }
        },
    }
    for status, words in {
        400: "The address or the body cannot be read",
        401: "No token, or not one of ours",
        403: "The role does not allow this",
        404: "There is no such thing",
        409: "The state of the thing does not allow this now",
        413: "The body is too large",
        415: "The body is not JSON",
        422: "A value cannot be used; field names it",
        503: "A part we depend on does not answer",
    }.items()
}


def ref(name: str) -> dict[str, str]:
    """A reference to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


ONE = {"type": "object", "properties": {"id": {"type": "integer"}, "result": ref(f"{OWN}.get")}}
LIST = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "ids": {"type": "array", "items": {"type": "integer"}},
        "result": {"type": "array", "items": ref(f"{OWN}.get_list")},
    },
}
DONE = {"type": "object", "properties": {"message": {"type": "string"}}}
FILE = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}


def result_of(schema: dict[str, Any]) -> dict[str, Any]:
    """An answer with one result."""
    return {"type": "object", "properties": {"result": schema}}


def page_of(schema: type[Schema]) -> dict[str, Any]:
    """Rows with the number to ask for the next ones after."""
    rows = {"type": "array", "items": ref(schema.__name__)}
    return {"type": "object", "properties": {"result": rows, "next_after": {"type": "integer", "nullable": True}}}


def described(
    verb: str,
    answer: dict[str, Any],
    *,
    body: dict[str, Any] | None = None,
    query: Sequence[tuple[str, str]] = (),
    status: int = 200,
    body_type: str = "application/json",
    answer_type: str = "application/json",
) -> Callable[[F], F]:
    """Add to a route's docstring what FAB reads: its answer, its body and its query, as JSON schemas.

    query: (name, description). The names in its path become parameters by themselves.
    """
    refusals = {str(each): {"$ref": f"#/components/responses/{each}"} for each in REFUSALS}
    success = {str(status): {"description": "Done", "content": {answer_type: {"schema": answer}}}}

    def describe(route: F) -> F:
        summary = (route.__doc__ or "").strip().splitlines()[0].rstrip(".")
        operation: dict[str, Any] = {"summary": summary, "responses": success | refusals}
        if query:
            operation["parameters"] = [
                {"in": "query", "name": name, "description": words, "schema": {"type": "string"}}
                for name, words in query
            ]
        if body is not None:
            operation["requestBody"] = {"required": True, "content": {body_type: {"schema": body}}}
        route.__doc__ = f"{route.__doc__}\n---\n{json.dumps({verb: operation})}"
        return route

    return describe

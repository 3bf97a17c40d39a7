"""Texts that people read can be found by the extraction: each is written out, and not put together on the spot."""

import ast
from collections.abc import Iterator

import pytest

from tests.arch.source import python_files, read

# What is called with a text for the catalogue as its first argument.
TAKES_TEXT = frozenset(
    {"_", "_l", "N_", "gettext", "lazy_gettext", "InvalidInput", "NotFound", "NotAllowed", "Conflict", "Unavailable"}
    | {"MergeError", "_bad"}
)
WRITTEN_ELSEWHERE = (ast.Name, ast.Attribute)  # a constant or an argument; where it was written it is checked too


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def objections(text: str) -> Iterator[str]:
    """The calls of this text whose message no extraction can find."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in TAKES_TEXT and node.args:
            first = node.args[0]
            is_marked = isinstance(first, ast.Call) and _called(first) == "N_"
            if (
                not is_marked
                and not isinstance(first, WRITTEN_ELSEWHERE)
                and not isinstance(getattr(first, "value", None), str)
            ):
                yield f"line {node.lineno}: the text of {_called(node)} is put together; name its places"
        if isinstance(node, ast.JoinedStr):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and _called(inner) in TAKES_TEXT:
                    yield f"line {node.lineno}: the extraction does not look into f-strings"


@pytest.mark.parametrize("name", python_files("app", "jobs"))
def test_every_text_can_be_extracted(name: str) -> None:
    assert list(objections(read(name))) == []


@pytest.mark.parametrize(
    "code",
    [
        'raise InvalidInput(f"{name} is wrong.", "name")',
        'raise Conflict("A campaign that is " + status)',
        'raise NotFound(_("There is no such page."))',
        'raise InvalidInput(str(error), "name") from error',
        'flash(_(f"{name} was added."))',
        "flash(f\"{_('Done')}.\")",
    ],
)
def test_a_text_that_cannot_be_extracted_is_seen(code: str) -> None:
    assert list(objections(code)) != []


@pytest.mark.parametrize(
    "code",
    [
        'raise InvalidInput("%(name)s is wrong.", "name", name=name)',
        "raise NotFound(GONE)",
        'flash(_("%(name)s was added.", name=name))',
        'for line, _ in rows:\n    log.info(f"{line}")',
    ],
)
def test_a_text_that_can_be_extracted_is_fine(code: str) -> None:
    assert list(objections(code)) == []

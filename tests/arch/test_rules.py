"""House rules of one file: calls and the places where they are allowed, what is caught, sizes, docstrings, states."""

import ast
import re
from collections.abc import Iterator

import pytest

from app.audience.models import ImportStatus
from app.campaigns.lifecycle import CampaignStatus
from app.missions.states import MissionStatus
from app.sending.states import BatchState, RecipientState
from tests.arch.source import ROOT, python_files, read

MAX_FILE, MAX_FUNCTION = 400, 50  # lines; a function has fewer
FILES = python_files("app", "jobs", "runner")
HOUSE = ("app/", "jobs/")  # runner/ starts processes: it sleeps, and no rule of the database touches it

# A transaction is opened by a request, a job or a command; two modules alternate with the network.
UNITS = (
    "app/web/",
    "jobs/",
    "app/cli.py",
    "app/kernel/db.py",
    "app/sending/deliver.py",
    "app/sending/enquiries.py",
    "app/sending/mailboxes.py",
)
# No transaction stays open across a network call; what a request did before its error does not stay.
ROLLBACKS = (
    "app/kernel/db.py",
    "app/web/errors.py",
    "app/web/hooks/mail.py",
    "app/web/hooks/twilio.py",
    "app/web/public/pages.py",
    "app/channels/gateways.py",
    "app/channels/service.py",
    "app/channels/whatsapp_templates.py",
    "app/sending/service.py",
    "app/web/views/mailboxes.py",
)
CLOCK = ("app/kernel/clock.py",)
ENQUEUES = ("app/kernel/queues.py",)

# What is called (the name before it, "" for any) -> where that is allowed; a folder ends with a slash.
CALLS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "commit"): ("app/kernel/db.py",),
    ("", "rollback"): ROLLBACKS,
    ("", "transaction"): UNITS,
    ("", "in_transaction"): UNITS,
    ("", "now"): CLOCK,
    ("datetime", "utcnow"): (),
    ("", "today"): CLOCK,
    ("time", "time"): CLOCK,
    ("time", "monotonic"): CLOCK,
    ("time", "perf_counter"): CLOCK,
    ("", "sleep"): ("app/kernel/db.py",),
    ("", "enqueue"): ENQUEUES,
    ("", "enqueue_in"): ENQUEUES,
    ("", "enqueue_at"): ENQUEUES,
    ("", "enqueue_call"): ENQUEUES,
    ("", "enqueue_many"): ENQUEUES,
}
# The edge of a job; the one of a request is a handler that web/errors.py registers. The unit of work raises on.
CATCHES = {"Exception": ("jobs/runtime.py",), "BaseException": ("app/kernel/db.py",)}

STATES = frozenset(
    str(state) for kind in (CampaignStatus, RecipientState, BatchState, ImportStatus, MissionStatus) for state in kind
)
STATE_IN_TEXT = re.compile(r"\b(?:status|state)\b\s*(?:=|==|!=|<>|(?:not\s+)?in\s*[(\[])\s*['\"](\w+)['\"]", re.I)


def _is_in(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or (place.endswith("/") and name.startswith(place)) for place in places)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _calls(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = _last_name(node.func)
        before = _last_name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        for (owner, what), places in CALLS.items():
            if what == called and owner in ("", before) and not _is_in(name, places):
                yield f"{name}:{node.lineno} {called}() belongs in {', '.join(places) or 'no file'}"


def _clock_imports(name: str, tree: ast.Module) -> Iterator[str]:
    """`from time import monotonic` would hide the name before the call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield f"{name}:{node.lineno} import time, not what is in it"


def _catches(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        elif isinstance(node, ast.Call) and _last_name(node.func) == "suppress":
            kinds = list(node.args)
        else:
            continue
        for kind in kinds:
            if kind is None:
                yield f"{name}:{node.lineno} a bare except"
            elif not _is_in(name, CATCHES.get(_last_name(kind), (name,))):
                yield f"{name}:{node.lineno} {_last_name(kind)} is caught at the edges only"


def _sizes(name: str, tree: ast.Module, text: str) -> Iterator[str]:
    if len(text.splitlines()) > MAX_FILE:
        yield f"{name}: longer than {MAX_FILE} lines"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length >= MAX_FUNCTION:
                yield f"{name}:{node.lineno} {node.name} has {length} lines"


def _docstrings(name: str, tree: ast.Module) -> Iterator[str]:
    """The module; public classes, functions and methods. Nested ones are free, and so is a method that a base class
    of a library asks for and describes. A view's routes and the methods it overrides have words: they are our pages."""
    if not ast.get_docstring(tree):
        yield f"{name}: no docstring"
    for node, is_hook in _public(tree.body, False):
        if not is_hook and not ast.get_docstring(node):
            yield f"{name}:{node.lineno} {node.name} has no docstring"


Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# Methods whose words stand in the library's class they come from: SQLAlchemy's types, FAB's filters, RQ's job.
HOOKS = frozenset({"load_dialect_impl", "process_bind_param", "process_result_value", "apply", "func"})


def _public(body: list[ast.stmt], in_class: bool) -> Iterator[tuple[Definition, bool]]:
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node, in_class and node.name in HOOKS
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body, True)


def _state_literals(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        found: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(re.search(r"(^|_)(status|state)$", _last_name(side)) for side in sides):
                found = [each for side in sides for each in ast.walk(side) if isinstance(each, ast.expr)]
        elif isinstance(node, ast.keyword) and node.arg in ("status", "state"):
            found = [node.value]
        for each in found:
            if isinstance(each, ast.Constant) and each.value in STATES:
                yield f"{name}:{each.lineno} the state {each.value!r} has a name"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _states_in_text(f"{name}:{node.lineno}", node.value)


def _states_in_text(place: str, text: str) -> Iterator[str]:
    for match in STATE_IN_TEXT.finditer(text):
        if match[1] in STATES:
            yield f"{place} the state {match[1]!r} has a name"


def broken(name: str, text: str) -> list[str]:
    """What this text breaks, were it the file of that name."""
    tree = ast.parse(text)
    found = [*_catches(name, tree), *_sizes(name, tree, text), *_docstrings(name, tree)]
    if name.startswith(HOUSE):
        found += [*_calls(name, tree), *_clock_imports(name, tree), *_state_literals(name, tree)]
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_file_keeps_the_house_rules(name: str) -> None:
    assert broken(name, read(name)) == []


def test_no_page_compares_with_the_text_of_a_state() -> None:
    pages = sorted((ROOT / "app/web").rglob("*.html"))
    assert pages
    assert [each for page in pages for each in _states_in_text(page.name, page.read_text(encoding="utf-8"))] == []


def test_every_place_of_a_rule_is_there() -> None:
    for places in (*CALLS.values(), *CATCHES.values()):
        assert [place for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("name", ROLLBACKS)
def test_every_file_that_may_roll_back_does(name: str) -> None:
    calls = [node for node in ast.walk(ast.parse(read(name))) if isinstance(node, ast.Call)]
    assert any(_last_name(call.func) == "rollback" for call in calls)


HEAD = '"""A module."""\n'


def _function(lines: int) -> str:
    return HEAD + "def f():\n" + '    """Do it."""\n' + "    x = 1\n" * (lines - 2)


@pytest.mark.parametrize(
    "code",
    [
        "db.session.commit()",
        "db.session.rollback()",
        "with transaction():\n    pass",
        "db.in_transaction(step)",
        "datetime.utcnow()",
        "datetime.now(UTC)",
        "date.today()",
        "func.now()",
        "time.time()",
        "time.monotonic()",
        "from time import monotonic",
        "time.sleep(1)",
        "sleep(1)",
        "queue.enqueue(f)",
        "try:\n    x()\nexcept:\n    pass",
        "try:\n    x()\nexcept Exception:\n    pass",
        "try:\n    x()\nexcept (KeyError, Exception):\n    pass",
        "try:\n    x()\nexcept BaseException:\n    raise",
        "with suppress(Exception):\n    x()",
        'if campaign.status == "paused":\n    pass',
        'if row.state in ("sending", "sent"):\n    pass',
        'is_over = "failed" != upload.status',
        'update(Campaign).values(status="scheduled")',
        "text(\"UPDATE campaign SET x = 1 WHERE status = 'paused'\")",
        "text(\"UPDATE campaign_recipient SET state='sending'\")",
        "text(\"SELECT 1 FROM send_batch WHERE state IN ('leased', 'done')\")",
    ],
)
def test_a_broken_rule_is_seen(code: str) -> None:
    assert broken("app/sending/plan.py", HEAD + code) != []


@pytest.mark.parametrize(
    ("code", "is_broken"),
    [
        pytest.param(HEAD + "x = 1\n" * 399, False, id="400 lines"),
        pytest.param(HEAD + "x = 1\n" * 400, True, id="401 lines"),
        pytest.param(_function(49), False, id="a function of 49"),
        pytest.param(_function(50), True, id="a function of 50"),
        pytest.param("x = 1", True, id="a module without words"),
        pytest.param(HEAD + "def f():\n    pass", True, id="a function without words"),
        pytest.param(HEAD + "async def f():\n    pass", True, id="an async one"),
        pytest.param(HEAD + "class A:\n    pass", True, id="a class"),
        pytest.param(HEAD + 'class A:\n    """An A."""\n    def f(self):\n        pass', True, id="a method"),
        pytest.param(HEAD + 'class A:\n    """An A."""\n    def _f(self):\n        pass', False, id="its own method"),
        pytest.param(HEAD + 'class A:\n    """An A."""\n    def __len__(self):\n        pass', False, id="a dunder"),
        pytest.param(HEAD + 'class A:\n    """An A."""\n    def apply(self):\n        pass', False, id="a hook"),
        pytest.param(HEAD + "def apply():\n    pass", True, id="no hook"),
        pytest.param(HEAD + 'def f():\n    """Do."""\n    def g():\n        pass', False, id="a nested function"),
    ],
)
def test_sizes_and_docstrings_are_seen(code: str, is_broken: bool) -> None:
    assert bool(broken("runner/start.py", code)) == is_broken


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("app/sending/plan.py", "at = clock.utcnow()"),
        ("app/sending/plan.py", 'x = jsonify(status="ok")'),
        ("app/sending/plan.py", "if row.state == RecipientState.SENDING:\n    pass"),
        ("app/sending/deliver.py", "in_transaction(step)"),
        ("app/web/views/campaigns.py", "with transaction():\n    pass"),
        ("app/kernel/clock.py", "at = datetime.now(UTC)"),
        ("jobs/runtime.py", "try:\n    x()\nexcept Exception:\n    raise"),
        ("runner/supervisor.py", "time.sleep(1)"),
    ],
)
def test_what_is_allowed_is_not_seen(name: str, code: str) -> None:
    assert broken(name, HEAD + code) == []

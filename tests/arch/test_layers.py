"""Who may import whom: kernel, the domains from channels to reports, and the rings around them."""

import pytest

from tests.arch.source import imports, python_files, read

DOMAINS = ("channels", "audience", "campaigns", "sending", "missions", "notices", "reports")
INNER = ("kernel", *DOMAINS)
ROOTS = frozenset({"app", "jobs", "runner", "config", "run", "wsgi", "demo", "bench", "tests"})

# ring -> the rings it may import, besides app.extensions
MAY: dict[str, frozenset[str]] = {ring: frozenset(INNER[: at + 1]) for at, ring in enumerate(INNER)} | {
    "extensions": frozenset(),
    "models": frozenset(INNER),
    "providers": frozenset({"kernel", "channels", "providers"}),
    "web": frozenset({*INNER, "web"}),
    "jobs": frozenset({*INNER, "jobs", "create_app", "config"}),
}

# The places where the rings meet, and nothing else: file -> what it may import beyond its ring.
EXCEPTIONS: dict[str, frozenset[str]] = {
    "app/__init__.py": frozenset({*INNER, "web", "cli", "models", "extensions", "config"}),
    "app/cli.py": frozenset({*INNER, "web", "config"}),
    "app/web/hooks/twilio.py": frozenset({"providers"}),  # whether a provider signed a request, and no more
    "app/web/hooks/mail.py": frozenset({"providers"}),  # that, and what its report says
}

# What a provider would reach the database with.
DATABASE = (
    "sqlalchemy",
    "flask_sqlalchemy",
    "app.extensions",
    "app.kernel.db",
    "app.kernel.leases",
    "app.kernel.queues",
    "app.channels.models",
    "app.channels.registry",
    "app.channels.rotation",
    "app.channels.service",
)
# What belongs to a screen: not in a domain, a provider or a job.
SCREENS = (
    "flask_appbuilder",
    "wtforms",
    "flask_wtf",
    "flask_login",
    "flask_babel",
    "flask.request",
    "flask.session",
    "flask.flash",
    "flask.redirect",
    "flask.render_template",
)
TABLES = ("flask_appbuilder", "flask_appbuilder.Model")  # FAB's base of a table is no screen


def ring_of(dotted: str) -> str:
    """The ring a module of ours is in: its folder under app/, else its first name."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == "app" and len(parts) > 1 else parts[0]


def ring_of_file(name: str) -> str:
    """The ring of a file; app/__init__.py is app itself."""
    return ring_of(name.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))


def _is_one_of(target: str, names: tuple[str, ...]) -> bool:
    return any(target == each or target.startswith(f"{each}.") for each in names)


def objection(name: str, target: str) -> str | None:
    """Why this file may not import that name, or None when it may."""
    ring = ring_of_file(name)
    if ring == "providers" and _is_one_of(target, DATABASE):
        return "a provider knows no database"
    if target.split(".")[0] not in ROOTS:
        is_inner = ring in (*INNER, "providers", "jobs")
        return "a screen's library" if is_inner and _is_one_of(target, SCREENS) and target not in TABLES else None
    theirs = ring_of(target)
    if theirs in ("app", "extensions") or theirs in MAY.get(ring, frozenset()) | EXCEPTIONS.get(name, frozenset()):
        return None
    if theirs == "jobs":
        return "app enqueues by JobName"
    return f"{ring} does not see {theirs}"


def violations(name: str, text: str) -> list[str]:
    """The imports of this text that the table does not allow."""
    found = []
    for target, line in imports(name, text):
        reason = objection(name, target)
        if reason:
            found.append(f"{name}:{line} imports {target}: {reason}")
    return found


def test_every_ring_is_in_the_table() -> None:
    rings = {ring_of_file(name) for name in python_files("app")}
    assert rings == {"app", "cli", *MAY} - {"jobs"}


def test_imports_point_one_way() -> None:
    assert [each for name in python_files("app", "jobs") for each in violations(name, read(name))] == []


def test_every_exception_is_still_needed() -> None:
    for name, allowed in EXCEPTIONS.items():
        used = {ring_of(target) for target, _line in imports(name, read(name))}
        assert allowed - used <= set(INNER), f"{name} does not use its exception"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("app/channels/service.py", "from app.audience import models"),
        ("app/channels/service.py", "from app import audience"),
        ("app/channels/service.py", "from ..audience import models"),
        ("app/audience/service.py", "import app.sending.plan"),
        ("app/campaigns/service.py", "def f():\n    from app.sending import plan"),
        ("app/sending/plan.py", "from app.reports import metrics"),
        ("app/sending/plan.py", "from app.missions.models import Mission"),
        ("app/missions/models.py", "from app.reports import metrics"),
        ("app/sending/plan.py", "from app.web.base import actor"),
        ("app/sending/plan.py", "from app.providers import smtp"),
        ("app/sending/plan.py", "from jobs.sending import send_slice"),
        ("app/sending/plan.py", "from app import create_app"),
        ("app/sending/plan.py", "from config import ROOT"),
        ("app/sending/plan.py", "from wtforms import Form"),
        ("app/sending/plan.py", "from flask import request"),
        ("app/sending/plan.py", "from flask_babel import gettext"),
        ("app/sending/plan.py", "from flask_appbuilder import ModelView"),
        ("app/kernel/clock.py", "from app.channels import contract"),
        ("app/providers/smtp.py", "from app.campaigns import checks"),
        ("app/providers/smtp.py", "from app.channels import service"),
        ("app/providers/smtp.py", "from app.channels.models import SmtpAccount"),
        ("app/providers/smtp.py", "from app.kernel import db"),
        ("app/providers/smtp.py", "from app.extensions import db"),
        ("app/providers/smtp.py", "import sqlalchemy.orm"),
        ("app/web/base.py", "from app.providers.smtp import Smtp"),
        ("app/web/base.py", "from jobs import runtime"),
        ("app/web/base.py", "import runner"),
        ("app/cli.py", "from jobs import sending"),
        ("app/__init__.py", "import jobs"),
        ("jobs/sending.py", "from app.web import base"),
        ("jobs/sending.py", "from app.providers import smtp"),
        ("jobs/sending.py", "from runner import start"),
    ],
)
def test_an_import_against_the_direction_is_seen(name: str, code: str) -> None:
    assert violations(name, code) != []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("app/sending/plan.py", "from app.audience.models import Contact\nfrom app.kernel import db\nimport json"),
        ("app/sending/models.py", "from flask_appbuilder import Model\nfrom app.extensions import db"),
        ("app/providers/smtp.py", "from app.channels.contract import Outcome\nfrom app.kernel import clock"),
        ("app/web/base.py", "from flask_appbuilder import ModelView\nfrom app.reports import metrics"),
        ("jobs/sending.py", "from app import create_app\nfrom app.sending import plan\nfrom jobs.runtime import job"),
    ],
)
def test_an_import_along_the_direction_is_fine(name: str, code: str) -> None:
    assert violations(name, code) == []

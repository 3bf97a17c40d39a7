"""Every address declares its permission, or stands on the list of those that anybody may open."""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from app.web.base import AppModelView, Guarded
from app.web.security import RESOURCES

# Signing in and out, what a reader of a message reaches, what a supervisor asks, files that are the same for all.
PUBLIC = frozenset(
    {
        "static",
        "appbuilder.static",
        "HomeView.index",  # leads to the sign-in
        "UtilView.back",
        "LocaleView.index",
        "AuthDBView.login",
        "AuthDBView.logout",
        "LimitedSecurityApi.login",
        "LimitedSecurityApi.refresh",  # asks for a refresh token
        "public.ask",
        "public.unsubscribe",
        "public.follow",
        "public.pixel",
        "public.image",
        "public.document",
        "push.worker",
        "push.ask",
        "push.manifest",
        "push.device",
        "push.renew",
        "hooks.status",
        "mail_hooks.by_ses",
        "mail_hooks.by_sendgrid",
        "mail_hooks.by_postmark",
        "mail_hooks.by_mailgun",
        "hooks.inbound",
        "health.healthz",
        "health.readyz",
    }
)
# One function carries all actions of a view and checks the permission of the one that is named.
ACTIONS = re.compile(r"\w+\.(action|action_post)")
NOBODYS = frozenset({"can_download"})  # FAB's route for files of its own kind of column: no role may use it
DASHBOARD = "rq_dashboard."  # behind web.monitor's guard, whatever it adds


def undeclared(app: Flask) -> list[str]:
    """The endpoints without a permission that are not on the list."""
    return sorted(
        endpoint
        for endpoint, view in app.view_functions.items()
        if not getattr(view, "_permission_name", None)
        and endpoint not in PUBLIC
        and not ACTIONS.fullmatch(endpoint)
        and not endpoint.startswith(DASHBOARD)
    )


def _addresses(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every rule that is not public, with an address that fits it, for each of its methods."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in PUBLIC and not ACTIONS.fullmatch(rule.endpoint):
            address = re.sub(r"<[^>]*>", "1", rule.rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, address, method


def opened_to_anybody(app: Flask) -> list[str]:
    """What answers somebody who is not signed in with anything but a refusal or the way to the sign-in."""
    opened = []
    browser = app.test_client()
    for rule, address, method in _addresses(app):
        answer = browser.open(address, method=method)
        is_refused = answer.status_code in (401, 403) or (
            answer.status_code == 302 and answer.headers["Location"].startswith("/login/")
        )
        if not is_refused:
            opened.append(f"{method} {rule.rule} ({rule.endpoint}): {answer.status_code}")
    return opened


def test_every_route_declares_its_permission(panel: Flask) -> None:
    assert undeclared(panel) == []


def test_nobody_gets_in_without_signing_in(panel: Flask) -> None:
    assert opened_to_anybody(panel) == []


def test_every_public_address_is_there(panel: Flask) -> None:
    assert panel.view_functions.keys() >= PUBLIC


def test_every_view_of_ours_uses_a_resource_of_the_security_table(panel: Flask) -> None:
    ours = [view for view in panel.appbuilder.baseviews if isinstance(view, Guarded)]  # type: ignore[attr-defined]
    assert len(ours) > 10
    for view in ours:
        used = {
            f"can_{view.method_permission_name.get(method._permission_name, method._permission_name)}"
            for method in _routes(panel, view)
        }
        assert used - NOBODYS <= set(RESOURCES[view.resource]), (
            f"{type(view).__name__} asks for what its resource has not"
        )


def _routes(app: Flask, view: Any) -> list[Any]:
    """What answers under a view and names a permission."""
    functions = [function for name, function in app.view_functions.items() if name.startswith(f"{view.endpoint}.")]
    return [function for function in functions if hasattr(function, "_permission_name")]


def test_an_open_door_is_seen(panel: Flask) -> None:
    app = Flask("doors")
    app.add_url_rule("/open", "open", lambda: "come in")
    assert undeclared(app) == ["open"]
    assert opened_to_anybody(app) == ["GET /open (open): 200"]


def test_every_action_asks_for_its_own_permission(panel: Flask) -> None:
    browser = panel.test_client()
    views = [view for view in panel.appbuilder.baseviews if isinstance(view, AppModelView)]  # type: ignore[attr-defined]
    assert any(view.actions for view in views)
    for view in views:
        for name in view.actions:
            assert browser.post(f"{view.route_base}/action/{name}/1").status_code == 403
            answer = browser.post(f"{view.route_base}/action_post", data={"action": name, "rowid": "1"})
            assert answer.status_code == 403

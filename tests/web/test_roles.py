"""What a role may not do is neither shown nor reachable."""

import pytest
from flask import Flask

from app.campaigns import service
from app.campaigns.lifecycle import CampaignStatus
from app.extensions import db
from app.web import security
from tests import factories
from tests.web.conftest import Browser

ACTIONS = ("publish", "start", "stop", "unpublish", "end", "duplicate", "delete_chosen", "send_test")
CHANGES = ("run_on_folders", "remove_client")


@pytest.fixture()
def campaign_id() -> int:
    made = factories.ready_campaign(1, name="Spring sale")
    db.session.commit()
    return made.id


def test_every_granted_permission_exists_on_a_view(panel: Flask) -> None:
    known = {
        (view.class_permission_name, permission)
        for view in panel.appbuilder.baseviews  # type: ignore[attr-defined]
        for permission in view.base_permissions or ()
    }
    menu = {(name, "menu_access") for names in security._MENUS.values() for name in names}
    granted = {(view, permission) for pairs in security.roles().values() for view, permission in pairs}
    missing = {pair for pair in granted - known - menu if pair[0] != "DemoInbox"}
    assert missing == set()


def test_a_permission_is_compared_whole(panel: Flask) -> None:
    sm = panel.appbuilder.sm  # type: ignore[attr-defined]
    role = sm.find_role(security.ANALYST)
    assert sm._has_access_builtin_roles(role, "can_read", "Campaign")
    assert not sm._has_access_builtin_roles(role, "can_read", "CampaignSecrets")
    assert not sm._has_access_builtin_roles(role, "can_read_all", "Campaign")


def test_an_analyst_reads_campaigns_and_reports_only(analyst: Browser, campaign_id: int) -> None:
    for page in ("/campaigns/list/", f"/campaigns/show/{campaign_id}", f"/reports/campaign/{campaign_id}"):
        assert analyst.get(page).status_code == 200
    for page in (
        "/campaigns/add",
        f"/campaigns/edit/{campaign_id}",
        f"/campaigns/run/{campaign_id}",
        f"/campaigns/remove/{campaign_id}",
        "/contacts/list/",
        "/contacts/find",
        "/folders/list/",
        "/imports/list/",
        "/suppressions/list/",
        "/smtp-accounts/list/",
        "/own-holidays/list/",
        "/operations/queues/",
        "/rq/",
        "/users/list/",
    ):
        assert analyst.get(page).status_code == 403, page


@pytest.mark.parametrize("name", ACTIONS + CHANGES)
def test_an_analyst_can_start_no_action(analyst: Browser, campaign_id: int, name: str) -> None:
    assert analyst.post(f"/campaigns/action/{name}/{campaign_id}").status_code == 403
    answer = analyst.post("/campaigns/action_post", data={"action": name, "rowid": campaign_id})
    assert answer.status_code == 403
    assert service.get(campaign_id).status is CampaignStatus.DRAFT


def test_an_analyst_is_shown_no_action_no_menu_and_no_address(analyst: Browser, campaign_id: int) -> None:
    for page in ("/campaigns/list/", f"/campaigns/show/{campaign_id}"):
        text = analyst.get(page).text
        for hidden in (
            "Publish",
            "Duplicate",
            "/campaigns/add",
            "/campaigns/edit",
            "Contacts",
            "RQ dashboard",
            "Users",
        ):
            assert hidden not in text, hidden
    assert "<th>Address</th>" not in analyst.get(f"/reports/campaign/{campaign_id}").text


def test_a_manager_does_everything_but_accounts_queues_and_people(manager: Browser, campaign_id: int) -> None:
    assert manager.get("/smtp-accounts/list/").status_code == 200
    account = service.get(campaign_id).smtp_account_id
    for page in ("/smtp-accounts/add", f"/smtp-accounts/edit/{account}", "/rq/", "/users/list/", "/roles/list/"):
        assert manager.get(page).status_code == 403, page
    assert manager.post(f"/smtp-accounts/delete/{account}").status_code == 403
    text = manager.get("/campaigns/list/").text
    for shown in ("Campaigns", "Contacts", "Imports", "SMTP accounts", "Own holidays", "Publish", "Remove client"):
        assert shown in text or shown in manager.get(f"/campaigns/show/{campaign_id}").text, shown
    assert "RQ dashboard" not in text
    assert "List Users" not in text


def test_nobody_gets_in_without_signing_in(panel: Flask) -> None:
    browser = Browser(panel, panel.response_class)
    for page in ("/campaigns/list/", "/contacts/list/", "/rq/", "/imports/state/1", "/reports/campaign/1"):
        answer = browser.get(page)
        assert answer.status_code == 302, page
        assert answer.headers["Location"].startswith("/login/")
    assert browser.get("/").headers["Location"] == "/login/"
    assert browser.post("/campaigns/action/publish/1").status_code == 403


def test_the_front_door_leads_to_the_campaigns(manager: Browser) -> None:
    for page in ("/", "/dashboard/campaigns"):
        assert manager.get(page, follow_redirects=True).request.path == "/dashboard/campaigns"


def test_a_list_page_asks_for_permissions_once(manager: Browser, panel: Flask) -> None:
    from sqlalchemy import event

    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    manager.get("/campaigns/list/")
    assert len([text for text in statements if "ab_permission" in text]) <= 2
    assert len(statements) <= 14, statements

"""Campaigns in the panel: writing, moving, refusing, and never half a change."""

import io
import re
from typing import Any

import pytest
from sqlalchemy import select

from app.campaigns import service
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, CampaignDocument
from app.extensions import db
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from tests import factories
from tests.web.conftest import Browser, form_in, form_of


def stored(campaign_id: int) -> Campaign:
    db.session.rollback()
    db.session.expire_all()
    return service.get(campaign_id)


@pytest.fixture()
def ready() -> int:
    made = factories.ready_campaign(2, name="Spring sale")
    db.session.commit()
    return made.id


def act(browser: Browser, name: str, campaign_id: int) -> Any:
    return browser.post(f"/campaigns/action/{name}/{campaign_id}", follow_redirects=True)


def test_a_new_campaign_is_a_draft_with_its_folders_and_documents(manager: Browser) -> None:
    account, folder = factories.account(), factories.folder("Clients")
    db.session.commit()
    values = form_of(manager, "/campaigns/add") | {
        "name": "Autumn",
        "smtp_account_id": str(account.id),
        "folders": [str(folder.id)],
        "subject": "Hello",
        "html": "<p>Hello</p>",
        "zone": "Europe/Warsaw",
        "start_at": "2026-12-01T10:30",
        "daily_from": "09:00",
        "daily_until": "17:30",
        "delay_seconds": "20",
        "documents": [(io.BytesIO(b"%PDF one"), "one.pdf"), (io.BytesIO(b"%PDF two"), "two.pdf")],
    }
    page = manager.post("/campaigns/add", data=values, content_type="multipart/form-data", follow_redirects=True)
    assert "saved as a draft" in page.text
    made = db.session.scalars(select(Campaign)).one()
    assert (made.name, made.status, made.created_by) == ("Autumn", CampaignStatus.DRAFT, "campaign-manager")
    assert [each.name for each in made.folders] == ["Clients"]
    assert sorted(each.name for each in made.documents) == ["one.pdf", "two.pdf"]
    assert f"{made.start_at:%Y-%m-%d %H:%M%z}" == "2026-12-01 09:30+0000"
    assert (f"{made.daily_from:%H:%M}", made.delay_seconds) == ("09:00", 20)


def test_without_an_smtp_account_a_campaign_is_refused_with_a_link_to_create_one(admin: Browser) -> None:
    page = admin.get("/campaigns/add", follow_redirects=True)
    assert "needs an SMTP account" in page.text
    assert 'href="/smtp-accounts/add"' in page.text
    admin.post("/campaigns/add", data={"name": "No account"})
    assert db.session.scalars(select(Campaign)).all() == []


def test_who_may_not_create_accounts_is_told_to_ask(manager: Browser) -> None:
    page = manager.get("/campaigns/add", follow_redirects=True)
    assert "Ask an administrator" in page.text
    assert 'href="/smtp-accounts/add"' not in page.text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Give the campaign a name."),
        ("name", "Spring sale", "Another campaign has this name."),
        ("subject", "{{ first_name", "subject"),
        ("daily_from", "09:00", "Give both daily hours"),
        ("delay_seconds", "99999999", "whole number from 0 to"),
        ("valid_until", "2001-01-01T00:00", "already over"),
        ("smtp_account_id", "", "Choose the SMTP account"),
        ("holidays_country", "XX", "Not a valid choice"),
    ],
)
def test_a_refused_form_says_why_and_keeps_what_was_written(
    manager: Browser, ready: int, field: str, value: str, sentence: str
) -> None:
    values = form_of(manager, "/campaigns/add") | {"name": "New", "description": "my words", "zone": "UTC"}
    values |= {"smtp_account_id": str(stored(ready).smtp_account_id), field: value}
    page = manager.post("/campaigns/add", data=values)
    assert page.status_code == 200
    assert sentence in page.text
    assert "my words" in page.text
    assert len(db.session.scalars(select(Campaign)).all()) == 1


def test_an_unchanged_form_changes_nothing(manager: Browser, ready: int) -> None:
    names = [column.key for column in Campaign.__table__.columns]
    campaign = stored(ready)
    campaign.zone, campaign.start_at = "Europe/Warsaw", campaign.created_at.replace(second=0, microsecond=0)
    db.session.commit()
    before = {name: getattr(campaign, name) for name in names}
    values = form_of(manager, f"/campaigns/edit/{ready}")
    assert "saved" in manager.post(f"/campaigns/edit/{ready}", data=values, follow_redirects=True).text
    after = {name: getattr(stored(ready), name) for name in names}
    assert after == before
    assert len(stored(ready).folders) == 1


def test_what_two_people_changed_in_different_fields_is_both_kept(manager: Browser, ready: int) -> None:
    mine, theirs = form_of(manager, f"/campaigns/edit/{ready}"), form_of(manager, f"/campaigns/edit/{ready}")
    manager.post(f"/campaigns/edit/{ready}", data=theirs | {"subject": "Theirs", "track_opens": ""})
    page = manager.post(
        f"/campaigns/edit/{ready}", data=mine | {"description": "Mine", "delay_seconds": "2"}, follow_redirects=True
    )
    assert "was saved" in page.text
    saved = stored(ready)
    assert (saved.subject, saved.description, saved.delay_seconds, saved.revision) == ("Theirs", "Mine", 2, 3)


def test_where_two_people_changed_the_same_the_second_compares_and_decides(manager: Browser, ready: int) -> None:
    mine, theirs = form_of(manager, f"/campaigns/edit/{ready}"), form_of(manager, f"/campaigns/edit/{ready}")
    manager.post(f"/campaigns/edit/{ready}", data=theirs | {"subject": "Theirs", "description": "Theirs too"})
    page = manager.post(f"/campaigns/edit/{ready}", data=mine | {"subject": "Mine", "text": "also mine"})
    assert "campaign-manager changed the same in this campaign at" in page.text
    assert "campaign-manager wrote: Theirs" in page.text
    assert stored(ready).subject == "Theirs"
    assert "also mine" not in stored(ready).text
    again = form_in(page.text)
    assert (again["subject"], again["text"]) == ("Mine", "also mine")
    saved = manager.post(f"/campaigns/edit/{ready}", data=again, follow_redirects=True)
    assert "was saved" in saved.text
    assert (stored(ready).subject, stored(ready).text, stored(ready).description) == ("Mine", "also mine", "Theirs too")


def test_who_typed_the_same_as_somebody_else_is_not_asked(manager: Browser, ready: int) -> None:
    mine, theirs = form_of(manager, f"/campaigns/edit/{ready}"), form_of(manager, f"/campaigns/edit/{ready}")
    manager.post(f"/campaigns/edit/{ready}", data=theirs | {"subject": "Same"})
    page = manager.post(f"/campaigns/edit/{ready}", data=mine | {"subject": "Same"}, follow_redirects=True)
    assert "was saved" in page.text


def test_another_time_zone_moves_the_hours_that_were_written(manager: Browser, ready: int) -> None:
    at_nine = {"zone": "Europe/Warsaw", "start_at": "2026-12-01 09:00"}
    manager.post(f"/campaigns/edit/{ready}", data=form_of(manager, f"/campaigns/edit/{ready}") | at_nine)
    values = form_of(manager, f"/campaigns/edit/{ready}") | {"zone": "Europe/London"}
    manager.post(f"/campaigns/edit/{ready}", data=values)
    assert f"{stored(ready).start_at:%Y-%m-%d %H:%M%z}" == "2026-12-01 09:00+0000"


@pytest.mark.parametrize("seen", ["", "no JSON", "[1]"])
def test_a_form_that_does_not_say_what_it_showed_is_refused(manager: Browser, ready: int, seen: str) -> None:
    values = form_of(manager, f"/campaigns/edit/{ready}") | {"seen": seen, "subject": "Other"}
    assert "not complete" in manager.post(f"/campaigns/edit/{ready}", data=values).text
    assert stored(ready).subject != "Other"


def test_a_refused_change_leaves_nothing_in_the_database(manager: Browser, ready: int) -> None:
    values = form_of(manager, f"/campaigns/edit/{ready}") | {"subject": "Changed", "valid_until": "1990-01-01T00:00"}
    page = manager.post(f"/campaigns/edit/{ready}", data=values)
    assert "between 2000 and 2100" in page.text
    assert stored(ready).subject == "News for {{ first_name }}"


def test_documents_can_be_taken_off(manager: Browser, ready: int) -> None:
    service.attach(ready, "old.pdf", "application/pdf", b"%PDF")
    db.session.commit()
    document = db.session.scalars(select(CampaignDocument.id)).one()
    values = form_of(manager, f"/campaigns/edit/{ready}") | {"removed_documents": [str(document)]}
    manager.post(f"/campaigns/edit/{ready}", data=values)
    assert [each.is_removed for each in stored(ready).documents] == [True]


def test_a_file_that_mail_servers_refuse_is_refused_with_the_whole_change(manager: Browser, ready: int) -> None:
    values = form_of(manager, f"/campaigns/edit/{ready}") | {
        "subject": "Changed",
        "documents": [(io.BytesIO(b"MZ"), "setup.exe")],
    }
    page = manager.post(f"/campaigns/edit/{ready}", data=values, content_type="multipart/form-data")
    assert "refuse files like setup.exe" in page.text
    assert stored(ready).subject == "News for {{ first_name }}"
    assert stored(ready).documents == []


@pytest.mark.parametrize("status", [CampaignStatus.SENDING, CampaignStatus.FINISHED, CampaignStatus.ENDED])
def test_what_is_sending_or_over_is_read_only(manager: Browser, ready: int, status: CampaignStatus) -> None:
    values = form_of(manager, f"/campaigns/edit/{ready}")
    stored(ready).status = status
    db.session.commit()
    assert "cannot be edited" in manager.get(f"/campaigns/edit/{ready}", follow_redirects=True).text
    manager.post(f"/campaigns/edit/{ready}", data=values | {"subject": "Changed"})
    assert stored(ready).subject == "News for {{ first_name }}"


def test_the_life_of_a_campaign_by_its_buttons(manager: Browser, ready: int) -> None:
    for name, status in (
        ("publish", CampaignStatus.SCHEDULED),
        ("stop", CampaignStatus.PAUSED),
        ("start", CampaignStatus.SCHEDULED),
        ("unpublish", CampaignStatus.PAUSED),
        ("end", CampaignStatus.ENDED),
    ):
        assert "alert-success" in act(manager, name, ready).text
        assert stored(ready).status is status


def test_a_move_that_is_not_allowed_says_so_and_changes_nothing(manager: Browser, ready: int) -> None:
    page = act(manager, "stop", ready)
    assert "A campaign that is draft cannot stop." in page.text
    assert "alert-success" not in page.text
    assert stored(ready).status is CampaignStatus.DRAFT


def test_publishing_rings_for_the_plan_after_the_commit_only(manager: Browser, ready: int, panel: Any) -> None:
    redis = panel.extensions["muster_redis"]
    act(manager, "stop", ready)
    assert redis.llen("rq:queue:default") == 0
    act(manager, "publish", ready)
    assert redis.lrange("rq:queue:default", 0, -1) == [f"settle-{ready}-1".encode()]


def test_actions_work_on_many_rows_of_the_list(manager: Browser, ready: int) -> None:
    other = factories.ready_campaign(1)
    db.session.commit()
    page = manager.post(
        "/campaigns/action_post", data={"action": "publish", "rowid": [ready, other.id]}, follow_redirects=True
    )
    assert page.text.count("alert-success") == 2
    assert {stored(pk).status for pk in (ready, other.id)} == {CampaignStatus.SCHEDULED}


def test_running_on_folders_adds_them(manager: Browser, ready: int) -> None:
    more = factories.folder("More")
    db.session.commit()
    assert "/campaigns/run/" in manager.post(f"/campaigns/action/run_on_folders/{ready}").headers["Location"]
    page = manager.post(f"/campaigns/run/{ready}", data={"folders": [more.id]}, follow_redirects=True)
    assert "were added" in page.text
    assert len(stored(ready).folders) == 2
    assert "Choose at least one folder" in manager.post(f"/campaigns/run/{ready}", data={}).text


def test_duplicating_makes_a_draft(manager: Browser, ready: int) -> None:
    act(manager, "duplicate", ready)
    assert db.session.scalars(select(Campaign.name).order_by(Campaign.id)).all() == [
        "Spring sale",
        "Spring sale (copy)",
    ]


def test_what_is_sending_must_be_stopped_before_it_is_deleted(manager: Browser, ready: int) -> None:
    stored(ready).status = CampaignStatus.SENDING
    db.session.commit()
    for path in (f"/campaigns/delete/{ready}", f"/campaigns/action/delete_chosen/{ready}"):
        assert "Stop it first" in manager.post(path, follow_redirects=True).text
    stored(ready).status = CampaignStatus.PAUSED
    db.session.commit()
    assert "was deleted" in manager.post(f"/campaigns/delete/{ready}", follow_redirects=True).text
    assert db.session.scalars(select(Campaign)).all() == []


def recipient(campaign_id: int, contact_id: int, state: RecipientState = RecipientState.AWAITING) -> None:
    from app.sending import progress

    progress.ensure(campaign_id)
    db.session.add(CampaignRecipient(campaign_id=campaign_id, seq=contact_id, contact_id=contact_id, state=state))
    db.session.flush()
    progress.move(campaign_id, {state: 1})
    db.session.commit()


def test_a_client_is_removed_by_address(manager: Browser, ready: int) -> None:
    person = factories.contact(email="ann@people.example")
    recipient(ready, person.id)
    given = {"address": " Ann@People.Example "}
    assert "was removed" in manager.post(f"/campaigns/remove/{ready}", data=given, follow_redirects=True).text
    db.session.rollback()
    assert db.session.scalars(select(CampaignRecipient.state)).one() is RecipientState.STOPPED


def test_a_client_whose_message_left_cannot_be_removed(manager: Browser, ready: int) -> None:
    person = factories.contact(email="ann@people.example")
    recipient(ready, person.id, RecipientState.SENT)
    page = manager.post(f"/campaigns/remove/{ready}", data={"address": "ann@people.example"})
    assert "already left" in page.text
    assert (
        "No contact has this address"
        in manager.post(f"/campaigns/remove/{ready}", data={"address": "x@y.example"}).text
    )


@pytest.mark.parametrize(
    "path", ["show/999", "edit/999", "show/abc", "run/999", "remove/0", "show/9999999999999999999"]
)
def test_a_campaign_that_is_not_there_is_a_404(manager: Browser, path: str) -> None:
    assert manager.get(f"/campaigns/{path}").status_code == 404


def test_a_new_campaign_begins_with_the_only_account_and_the_zone_of_the_browser(manager: Browser) -> None:
    account = factories.account()
    db.session.commit()
    manager.set_cookie("zone", "Europe/Warsaw")
    values = form_of(manager, "/campaigns/add")
    assert (values["smtp_account_id"], values["zone"]) == ([str(account.id)], ["Europe/Warsaw"])
    manager.set_cookie("zone", "Nowhere/Land")
    factories.account(name="Another")
    db.session.commit()
    values = form_of(manager, "/campaigns/add")
    assert (values["smtp_account_id"], values["zone"]) == ([""], ["UTC"])


def test_a_campaign_of_notifications_names_its_own_kind_of_sender_and_address(manager: Browser) -> None:
    made = factories.push_campaign(factories.folder("Clients"))
    db.session.commit()
    page = manager.get(f"/campaigns/show/{made.id}").text
    facts = dict(re.findall(r'datagrid-title">([^<]+)</dt><dd class="datagrid-content m-0">([^<]+)<', page))
    assert facts["Sender"] == "Web push" and facts["Address"] == "devices" and "SMTP account" not in facts

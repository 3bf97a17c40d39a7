"""The removal log on its page, the form that takes clients out, and the way back."""

import re

import pytest
from sqlalchemy import event, select

from app.audience.models import Contact
from app.campaigns import service as campaigns
from app.campaigns.models import Removal
from app.extensions import db
from app.sending import removals, service
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from jobs import sending as jobs
from tests import factories
from tests.web.conftest import Browser


@pytest.fixture()
def campaign_id() -> int:
    """A published campaign with Ann and Bob, of whom nobody was sent to."""
    folder = factories.folder("Clients")
    factories.contact(folder, email="ann@people.example", first_name="Ann", last_name="Nowak")
    factories.contact(folder, email="bob@people.example", first_name="Bob", last_name="Lis")
    made = factories.campaign(folder, name="Spring sale")
    campaigns.publish(made.id, "me")
    db.session.commit()
    jobs.settle_campaign(made.id)
    return made.id


def contact(name: str) -> int:
    found = db.session.scalar(select(Contact.id).where(Contact.first_name == name))
    db.session.rollback()
    assert found
    return found


def removed(campaign_id: int, name: str, why: str = "") -> int:
    removals.remove(campaign_id, contact(name), "eve", why)
    db.session.commit()
    entry = db.session.scalar(select(Removal.id).order_by(Removal.id.desc()))
    db.session.rollback()
    assert entry
    return entry


def state(campaign_id: int, seq: int) -> RecipientState:
    found = db.session.get_one(CampaignRecipient, (campaign_id, seq), populate_existing=True).state
    db.session.rollback()
    return found


def test_the_log_says_who_when_by_whom_and_why(manager: Browser, campaign_id: int) -> None:
    assert "Who is taken out of a campaign stands here" in manager.get("/removals/list/").text
    removed(campaign_id, "Ann", "asked <by> phone")
    page = manager.get("/removals/list/").text
    for words in ("Ann Nowak", "Spring sale", "eve", "asked &lt;by&gt; phone", "Put Ann Nowak back into Spring sale?"):
        assert words in page
    assert re.search(r'<form method="post" action="/removals/action/restore/\d+"', page)


def test_the_log_is_for_those_who_may_remove(manager: Browser, analyst: Browser, campaign_id: int) -> None:
    entry = removed(campaign_id, "Ann")
    assert "/removals/list/" in manager.get("/campaigns/list/").text
    assert "/removals/list/" not in analyst.get(f"/reports/campaign/{campaign_id}").text
    assert "/removals/list/" not in analyst.get(f"/campaigns/show/{campaign_id}").text
    assert analyst.get("/removals/list/").status_code in (302, 403)
    analyst.post(f"/removals/action/restore/{entry}")
    assert state(campaign_id, 1) is RecipientState.STOPPED


def test_entries_are_found_by_name_campaign_and_address(manager: Browser, campaign_id: int) -> None:
    removed(campaign_id, "Ann")
    removed(campaign_id, "Bob")
    by_name = manager.get("/removals/list/?_flt_2_client_name=Now").text
    assert "Ann Nowak" in by_name and "Bob Lis" not in by_name
    assert "Bob Lis" in manager.get(f"/removals/list/?_flt_0_campaign_id={campaign_id}").text
    assert "Nothing matches" in manager.get("/removals/list/?_flt_0_campaign_id=99").text
    assert "Nothing matches" in manager.get("/removals/list/?_flt_0_restored_at=back").text
    found = manager.post("/removals/find", data={"address": "BOB@people.example"})
    assert found.status_code == 302 and "bob" not in found.location.lower()
    page = manager.get(found.location).text
    assert "Bob Lis" in page and "Ann Nowak" not in page
    nobody = manager.post("/removals/find", data={"address": "zoe@people.example"}).text
    assert "No contact has this address" in nobody


def test_a_page_of_the_log_asks_a_fixed_number_of_questions(manager: Browser, campaign_id: int) -> None:
    removed(campaign_id, "Ann")
    counted = []
    for _ in range(2):
        asked: list[str] = []

        def note(
            _connection: object, _cursor: object, statement: str, *_rest: object, asked: list[str] = asked
        ) -> None:
            asked.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            manager.get("/removals/list/")
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        counted.append(len(asked))
        removed(campaign_id, "Bob")
    assert counted[0] == counted[1]


def test_several_are_removed_at_once_with_a_reason(manager: Browser, campaign_id: int) -> None:
    path = f"/campaigns/remove/{campaign_id}"
    written = "ann@people.example\r\n\r\n bob@people.example \r\n"
    done = manager.post(path, data={"address": written, "why": "moved away"}, follow_redirects=True)
    assert "2 clients were removed." in done.text
    assert [entry.why for entry in db.session.scalars(select(Removal))] == ["moved away"] * 2
    assert f"/removals/list/?_flt_0_campaign_id={campaign_id}" in manager.get(f"/campaigns/show/{campaign_id}").text
    assert "2 removed" in manager.get(f"/reports/campaign/{campaign_id}").text


def test_what_was_not_removed_stays_in_the_form_with_why(manager: Browser, campaign_id: int) -> None:
    path = f"/campaigns/remove/{campaign_id}"
    page = manager.post(path, data={"address": "ann@people.example\nzoe@people.example\nnonsense"})
    assert page.status_code == 200
    assert "1 client was removed." in page.text
    assert "zoe@people.example: No contact has this address" in page.text and "nonsense: " in page.text
    field = re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.S)
    assert field and field[1].split() == ["zoe@people.example", "nonsense"]
    assert state(campaign_id, 1) is RecipientState.STOPPED
    again = manager.post(path, data={"address": "ann@people.example"}, follow_redirects=True).text
    assert "1 client had been removed before." in again


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"address": " \n "}, "Write the exact address of the client."),
        ({"address": "ann@people.example", "why": "x" * 300}, "longer than 255 characters"),
    ],
)
def test_a_form_that_cannot_be_read_removes_nobody(
    manager: Browser, campaign_id: int, data: dict[str, str], words: str
) -> None:
    assert words in manager.post(f"/campaigns/remove/{campaign_id}", data=data).text
    assert state(campaign_id, 1) is RecipientState.AWAITING


def test_who_is_put_back_is_in_line_again(manager: Browser, campaign_id: int) -> None:
    entry = removed(campaign_id, "Ann")
    path = f"/removals/action/restore/{entry}"
    done = manager.post(path, follow_redirects=True).text
    assert "Ann Nowak is back in line and gets the message." in done and "back since" in done
    assert state(campaign_id, 1) is RecipientState.AWAITING
    assert "has put this client back already" in manager.post(path, follow_redirects=True).text
    assert "removed</a>" not in manager.get(f"/campaigns/show/{campaign_id}").text


def test_several_are_put_back_and_what_fails_is_said(manager: Browser, campaign_id: int) -> None:
    first, second = removed(campaign_id, "Ann"), removed(campaign_id, "Bob")
    manager.post(f"/removals/action/restore/{first}")
    chosen = {"action": "restore", "rowid": [str(first), str(second)]}
    page = manager.post("/removals/action_post", data=chosen, follow_redirects=True).text
    assert "Ann Nowak: campaign-manager has put this client back already." in page
    assert "Bob Lis is back in line" in page


def test_nobody_comes_back_to_a_campaign_that_was_deleted(manager: Browser, campaign_id: int) -> None:
    removed(campaign_id, "Ann")
    campaigns.stop(campaign_id, "me")
    service.delete_campaign(campaign_id)
    db.session.commit()
    page = manager.get("/removals/list/").text
    assert "the campaign was deleted" in page and "Put Ann Nowak back" not in page
    assert f'<option value="{campaign_id}">Spring sale' in page

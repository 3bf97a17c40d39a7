"""The rows of a report: as they are now while somebody reads them, and a removal from one of them."""

import re

import pytest
from sqlalchemy import select, update

from app.campaigns import removal_log, service
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Removal
from app.extensions import db
from app.sending import progress
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from tests import factories
from tests.web.conftest import Browser
from tests.web.test_cards import counted

PEOPLE = 3


@pytest.fixture()
def campaign_id(panel: object) -> int:
    made = factories.ready_campaign(PEOPLE, name="Spring sale")
    made.status = CampaignStatus.SENDING
    progress.ensure(made.id)
    for seq, person in enumerate(factories.contacts(PEOPLE), 1):
        db.session.add(
            CampaignRecipient(campaign_id=made.id, seq=seq, contact_id=person.id, state=RecipientState.AWAITING)
        )
    db.session.flush()
    progress.move(made.id, {RecipientState.AWAITING: PEOPLE})
    db.session.commit()
    return made.id


def states(text: str) -> list[tuple[str, str]]:
    found = re.findall(r'<tr id="recipient-(\d+)">.*?data-label="Status"><span class="chip[^>]*>([^<]+)<', text, re.S)
    return [(seq, words.strip()) for seq, words in found]


def test_a_report_asks_for_the_rows_it_shows(manager: Browser, campaign_id: int) -> None:
    text = manager.get(f"/reports/campaign/{campaign_id}?state=Awaiting").text
    assert f'hx-get="/reports/campaign/{campaign_id}/rows?seqs=1,2,3" hx-trigger="every 2s"' in text


def test_a_row_that_changed_stays_in_its_place(manager: Browser, campaign_id: int) -> None:
    sent = update(CampaignRecipient).where(CampaignRecipient.seq == 2).values(state=RecipientState.SENT)
    db.session.execute(sent)
    db.session.commit()
    part = manager.get(f"/reports/campaign/{campaign_id}/rows?seqs=1,2,x,9999999999").text
    assert states(part) == [("1", "Awaiting"), ("2", "Sent")]
    assert "seqs=1,2" in part


def test_rows_of_a_campaign_that_is_over_are_not_asked_for_again(manager: Browser, campaign_id: int) -> None:
    service.get(campaign_id).status = CampaignStatus.FINISHED
    db.session.commit()
    part = manager.get(f"/reports/campaign/{campaign_id}/rows?seqs=1").text
    assert states(part) == [("1", "Awaiting")] and "hx-get" not in part.split("<tr")[0]


def test_rows_cost_as_much_however_many_they_are(manager: Browser, campaign_id: int) -> None:
    path = f"/reports/campaign/{campaign_id}/rows?seqs="
    manager.get(f"{path}1")
    with counted() as one:
        manager.get(f"{path}1")
    with counted() as all_of_them:
        manager.get(f"{path}1,2,3")
    assert len(one) == len(all_of_them) <= 12


def test_a_row_asks_why_before_its_client_is_removed(manager: Browser, campaign_id: int) -> None:
    path = f"/reports/campaign/{campaign_id}/recipient/2/remove"
    assert f'href="{path}" data-modal-form' in manager.get(f"/reports/campaign/{campaign_id}").text
    form = manager.get(path).text
    assert "out of this campaign?" in form and 'name="why"' in form
    text = manager.post(path, data={"why": "asked by phone"}, follow_redirects=True).text
    assert "was removed" in text
    assert ("2", "Skipped") in states(text)
    (entry,) = db.session.scalars(select(Removal))
    assert (entry.why, entry.removed_by) == ("asked by phone", "campaign-manager")
    assert removal_log.number(campaign_id) == 1


def test_a_client_whose_message_left_is_not_removed_and_the_form_says_so(manager: Browser, campaign_id: int) -> None:
    db.session.execute(update(CampaignRecipient).values(state=RecipientState.SENT))
    db.session.commit()
    answer = manager.post(f"/reports/campaign/{campaign_id}/recipient/1/remove", data={"why": ""})
    assert answer.status_code == 200 and "already left" in answer.text
    assert removal_log.number(campaign_id) == 0


def test_an_analyst_removes_nobody(analyst: Browser, campaign_id: int) -> None:
    assert "/remove" not in analyst.get(f"/reports/campaign/{campaign_id}").text
    analyst.post(f"/reports/campaign/{campaign_id}/recipient/1/remove", data={"why": ""})
    assert removal_log.number(campaign_id) == 0


def test_cards_and_list_open_the_report_over_themselves(manager: Browser, campaign_id: int) -> None:
    link = rf'<a [^>]*href="/reports/campaign/{campaign_id}"[^>]* data-report'
    for path in ("/dashboard/campaigns", "/campaigns/list/"):
        assert re.search(link, manager.get(path).text)
    assert 'id="modal-report"' in manager.get("/campaigns/list/").text

"""Writing a campaign step by step: each step is saved, errors stay at their step, and the way leads back and forth."""

import io
import re

import pytest
from sqlalchemy import select

from app.campaigns import custom_fields, service
from app.campaigns.custom_fields import Definition
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, CustomKind
from app.channels import web_push
from app.channels.contract import Channel
from app.extensions import db
from app.kernel import clock
from app.kernel.db import in_transaction
from tests import factories
from tests.factories import BY
from tests.web.conftest import Browser, form_of

NEW = "/campaigns/steps/new"


def stored(campaign_id: int) -> Campaign:
    db.session.rollback()
    db.session.expire_all()
    return service.get(campaign_id)


def the_one() -> Campaign:
    db.session.rollback()
    return db.session.scalars(select(Campaign)).one()


@pytest.fixture()
def account_id() -> int:
    made = factories.account()
    db.session.commit()
    return made.id


@pytest.fixture()
def draft() -> int:
    made = factories.campaign(name="Spring")
    db.session.commit()
    return made.id


def at(campaign_id: int, step: str) -> str:
    return f"/campaigns/steps/{campaign_id}/{step}"


def test_the_whole_way_from_a_name_to_a_published_campaign(manager: Browser, account_id: int) -> None:
    folder = factories.folder("Clients")
    factories.contact(folder)
    db.session.commit()
    start = form_of(manager, NEW) | {"name": "Spring", "sender": f"email:{account_id}", "description": "for all"}
    answer = manager.post(NEW, data=start)
    pk = the_one().id
    assert answer.headers["Location"] == at(pk, "content")
    words = {"subject": "Hello", "html": "<p>Hello {{ first_name }}</p>", "text": ""}
    answer = manager.post(at(pk, "content"), data=form_of(manager, at(pk, "content")) | words)
    assert answer.headers["Location"] == at(pk, "audience")
    answer = manager.post(at(pk, "audience"), data=form_of(manager, at(pk, "audience")) | {"folders": [str(folder.id)]})
    assert answer.headers["Location"] == at(pk, "schedule")
    pace = {"zone": "Europe/Warsaw", "delay_seconds": "5", "delay_seconds-unit": "minutes"}
    answer = manager.post(at(pk, "schedule"), data=form_of(manager, at(pk, "schedule")) | pace)
    assert answer.headers["Location"] == at(pk, "review")
    page = manager.get(at(pk, "review")).text
    assert "5 minutes" in page and "Publish" in page and "Something is missing here" not in page
    saved = stored(pk)
    assert (saved.name, saved.description, saved.subject, saved.zone) == ("Spring", "for all", "Hello", "Europe/Warsaw")
    assert (saved.delay_seconds, [each.name for each in saved.folders]) == (300, ["Clients"])
    manager.post(f"/campaigns/action/publish/{pk}")
    assert stored(pk).status is CampaignStatus.SCHEDULED


def test_a_quick_start_needs_a_name_and_a_sender_only(manager: Browser, account_id: int) -> None:
    in_transaction(web_push.ensure)
    form = form_of(manager, f"{NEW}?quick=1")
    assert set(form) == {"csrf_token", "seen", "name", "sender"}
    assert form["sender"] == f"email:{account_id}"  # the only one; web push is there always
    answer = manager.post(f"{NEW}?quick=1", data=form | {"name": "Spring", "then": "close"})
    made = the_one()
    assert answer.headers["Location"] == f"/campaigns/show/{made.id}"
    assert (made.name, made.status, made.smtp_account_id) == ("Spring", CampaignStatus.DRAFT, account_id)


def test_a_sender_that_cannot_send_says_so_where_it_is_chosen(manager: Browser, account_id: int) -> None:
    refused = factories.account(name="Refused")
    factories.account(name="Off", is_enabled=False)
    helped = factories.account(name="Helped")
    for each in (refused, helped):
        each.paused_reason = "535 no"
    helped.stood_in_since = clock.utcnow()
    factories.gateway(name="Texts")
    db.session.commit()
    cards = re.findall(r'<label class="sender-card">.*?</label>', manager.get(NEW).text, re.S)
    troubled = [re.search(r'"quiet">([^·]+) ·', card) for card in cards if "cannot send now" in card]
    assert sorted(found[1] for found in troubled if found) == ["Off", "Refused"]


def test_a_quick_start_in_a_modal_says_where_it_goes_on(manager: Browser, account_id: int) -> None:
    form = form_of(manager, f"{NEW}?quick=1") | {"name": "Spring"}
    answer = manager.post(f"{NEW}?quick=1", data=form, headers={"X-Requested-With": "fetch"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, at(the_one().id, "content"))


def test_a_new_campaign_has_the_clocks_of_its_writer(manager: Browser, account_id: int) -> None:
    manager.set_cookie("zone", "Europe/Warsaw")
    manager.post(NEW, data=form_of(manager, NEW) | {"name": "Spring"})
    assert the_one().zone == "Europe/Warsaw"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": ""}, "Give the campaign a name"),
        ({"name": "Spring", "sender": ""}, "Choose what sends this campaign"),
        ({"name": "Spring", "sender": "email:999"}, "Choose what sends this campaign"),
        ({"name": "Spring", "sender": "fax:1"}, "Choose what sends this campaign"),
    ],
)
def test_a_start_that_lacks_something_is_refused_and_keeps_what_was_written(
    manager: Browser, account_id: int, values: dict[str, str], words: str
) -> None:
    page = manager.post(NEW, data=form_of(manager, NEW) | {"description": "my words"} | values)
    assert page.status_code == 200
    assert words in page.text and "my words" in page.text
    assert db.session.scalars(select(Campaign)).all() == []


def test_a_name_that_is_taken_is_said_at_the_step(manager: Browser, draft: int, account_id: int) -> None:
    page = manager.post(NEW, data=form_of(manager, NEW) | {"name": "Spring", "sender": f"email:{account_id}"})
    assert "Another campaign has this name" in page.text


def test_a_step_with_an_error_is_shown_again_and_nothing_of_it_is_saved(manager: Browser, draft: int) -> None:
    values = {"valid_until": "1990-01-01 00:00", "delay_seconds": "7", "then": "content"}
    page = manager.post(at(draft, "schedule"), data=form_of(manager, at(draft, "schedule")) | values)
    assert page.status_code == 200
    assert "between 2000 and 2100" in page.text and 'value="7"' in page.text
    assert stored(draft).delay_seconds == 0


@pytest.mark.parametrize(
    ("then", "leads"), [("", "audience"), ("setup", "setup"), ("review", "review"), ("nonsense", "audience")]
)
def test_a_step_is_saved_before_another_is_shown(manager: Browser, draft: int, then: str, leads: str) -> None:
    values = form_of(manager, at(draft, "content")) | {"subject": "Other", "then": then}
    assert manager.post(at(draft, "content"), data=values).headers["Location"] == at(draft, leads)
    assert stored(draft).subject == "Other"


def test_a_step_writes_its_own_fields_only(manager: Browser, draft: int) -> None:
    before = stored(draft)
    kept = {name: getattr(before, name) for name in ("html", "zone", "smtp_account_id", "track_opens")}
    values = form_of(manager, at(draft, "setup")) | {"name": "Summer", "html": "<p>smuggled</p>", "zone": "Asia/Tokyo"}
    manager.post(at(draft, "setup"), data=values)
    after = stored(draft)
    assert after.name == "Summer"
    assert {name: getattr(after, name) for name in kept} == kept


def test_two_people_at_different_steps_lose_nothing(manager: Browser, draft: int) -> None:
    mine, theirs = form_of(manager, at(draft, "content")), form_of(manager, at(draft, "schedule"))
    manager.post(at(draft, "schedule"), data=theirs | {"delay_seconds": "3"})
    manager.post(at(draft, "content"), data=mine | {"subject": "Mine"})
    assert (stored(draft).subject, stored(draft).delay_seconds) == ("Mine", 3)


def test_what_lacks_is_marked_at_its_step(manager: Browser, draft: int) -> None:
    page = manager.get(at(draft, "setup")).text
    marks = page[page.index("step-marks") : page.index("</nav>", page.index("step-marks"))]
    lacking = [part for part in marks.split("<li")[1:] if "Something is missing here" in part]
    assert len(lacking) == 1 and "Audience" in lacking[0]


def test_a_draft_without_words_may_change_its_channel(manager: Browser, account_id: int) -> None:
    gateway = factories.gateway()
    campaign = factories.campaign(name="Spring", html="", text="")
    db.session.commit()
    values = form_of(manager, at(campaign.id, "setup")) | {"sender": f"sms:{gateway.id}"}
    manager.post(at(campaign.id, "setup"), data=values)
    changed = stored(campaign.id)
    assert (changed.channel, changed.gateway_id, changed.smtp_account_id) == (Channel.SMS, gateway.id, None)


def test_a_draft_with_words_keeps_its_channel(manager: Browser, draft: int) -> None:
    gateway = factories.gateway()
    db.session.commit()
    address = at(draft, "setup")
    assert f"sms:{gateway.id}" not in manager.get(address).text
    page = manager.post(address, data=form_of(manager, address) | {"sender": f"sms:{gateway.id}"})
    assert "Choose what sends this campaign" in page.text
    assert stored(draft).channel is Channel.EMAIL


def test_documents_are_written_with_the_content(manager: Browser, draft: int) -> None:
    values = form_of(manager, at(draft, "content")) | {"documents": [(io.BytesIO(b"%PDF one"), "one.pdf")]}
    manager.post(at(draft, "content"), data=values, content_type="multipart/form-data")
    assert [each.name for each in stored(draft).documents] == ["one.pdf"]


def test_fields_of_our_own_are_part_of_the_setup(manager: Browser, draft: int) -> None:
    text = custom_fields.define(Definition("Cost centre", is_required=True), BY)
    flag = custom_fields.define(Definition("Legal has seen it", CustomKind.FLAG), BY)
    choice = custom_fields.define(Definition("Region", CustomKind.CHOICE, choices=("North", "South")), BY)
    number = custom_fields.define(Definition("Budget", CustomKind.NUMBER), BY)
    db.session.commit()
    names = [custom_fields.form_name(each.id) for each in (text, flag, choice, number)]
    form = form_of(manager, at(draft, "setup"))
    page = manager.post(at(draft, "setup"), data=form | dict(zip(names, ("C", "y", "North", "much"), strict=True)))
    assert "Give a number" in page.text
    values = dict(zip(names, ("C-100", "y", "South", "12,5"), strict=True))
    manager.post(at(draft, "setup"), data=form | values)
    found = custom_fields.named_values(stored(draft))
    assert found == {"Cost centre": "C-100", "Legal has seen it": "yes", "Region": "South", "Budget": "12.5"}
    again = form_of(manager, f"/campaigns/edit/{draft}")
    assert [again.get(name) for name in names] == ["C-100", "y", ["South"], "12.5"]
    assert "C-100" in manager.get(f"/campaigns/show/{draft}").text
    again.pop(names[1])
    manager.post(f"/campaigns/edit/{draft}", data=again)
    assert "Legal has seen it" not in custom_fields.named_values(stored(draft))


def test_what_cannot_be_edited_has_no_steps(manager: Browser, draft: int) -> None:
    stored(draft).status = CampaignStatus.FINISHED
    db.session.commit()
    answer = manager.get(at(draft, "content"))
    assert answer.headers["Location"] == f"/campaigns/show/{draft}"


def test_a_step_that_is_not_there_leads_to_the_first(manager: Browser, draft: int) -> None:
    assert manager.get(at(draft, "nowhere")).headers["Location"] == at(draft, "setup")
    assert manager.get(at(2**31, "setup")).status_code == 404
    assert manager.get(at(draft + 1, "setup")).status_code == 404


def test_without_the_permission_there_are_no_steps(analyst: Browser, draft: int) -> None:
    assert analyst.get(NEW).status_code in (302, 403)
    assert "Spring" not in analyst.get(at(draft, "setup"), follow_redirects=True).text.split("</title>")[0]
    assert stored(draft).revision == 1


def test_the_check_of_the_review_leads_to_the_step_where_something_is_mended(manager: Browser, draft: int) -> None:
    page = manager.get(f"/launch/check/{draft}?steps=1").text
    assert at(draft, "audience") + "#folders" in page
    assert "/campaigns/edit/" not in page
    assert f"/campaigns/edit/{draft}#folders" in manager.get(f"/launch/check/{draft}").text

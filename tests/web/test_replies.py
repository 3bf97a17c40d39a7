"""Replies in the panel: who wrote what, what needs a look, and the buttons that settle it."""

import re

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.audience.addresses import phone_index
from app.audience.models import Contact, Reply, ReplyState
from app.audience.suppressions import is_suppressed
from app.channels.contract import Channel
from app.extensions import db
from app.kernel.db import in_transaction, transaction
from app.sending import replies
from app.sending.replies import Inbound
from tests import factories
from tests.sending.test_replies import NUMBER, sent_to
from tests.web.conftest import Browser, form_of

OTHER = "+48501999002"


@pytest.fixture()
def campaign_id(panel: Flask) -> int:
    """A campaign that Ann got, who asks something and would rather not get more; a stranger writes too."""
    made = sent_to()
    with transaction():
        db.session.scalars(select(Contact)).one().first_name = "Ann"
    tell("SM1", NUMBER, "What does <it> cost?")
    tell("SM2", NUMBER, "please stop texting me")
    tell("SM3", OTHER, "hello", media=1)
    return made


def tell(sid: str, number: str, text: str, **values: int) -> None:
    in_transaction(replies.receive, 7, Channel.SMS, Inbound(sid, number, text, **values))


def reply(sid: str) -> Reply:
    db.session.rollback()
    db.session.expire_all()
    found = db.session.scalars(select(Reply).where(Reply.provider_id == sid)).one()
    db.session.rollback()
    return found


def test_the_page_shows_who_wrote_what_about_which_campaign(manager: Browser, campaign_id: int) -> None:
    page = manager.get("/replies/list/").text
    for words in ("Ann", "What does &lt;it&gt; cost?", "please stop texting me", OTHER, "(1 file, not kept)"):
        assert words in page
    assert f"/reports/campaign/{campaign_id}" in page
    assert "1 needs a look" in page


def test_without_replies_the_page_says_what_will_stand_there(manager: Browser) -> None:
    assert "What people answer to your text messages stands here" in manager.get("/replies/list/").text


def test_replies_are_found_by_state_campaign_and_exact_number(manager: Browser, campaign_id: int) -> None:
    looks = manager.get("/replies/list/?_flt_0_state=needs-look").text
    assert "please stop texting me" in looks and "hello" not in looks
    assert OTHER not in manager.get(f"/replies/list/?_flt_0_campaign_id={campaign_id}").text
    assert "Nothing matches" in manager.get("/replies/list/?_flt_0_meaning=stop").text
    assert "Nothing matches" in manager.get("/replies/list/?_flt_0_state=nonsense").text
    found = manager.post("/replies/find", data={"number": "+48 501-999-002"})
    assert found.status_code == 302 and "999" not in found.location
    page = manager.get(found.location).text
    assert OTHER in page and "texting" not in page
    assert "no letters" in manager.post("/replies/find", data={"number": "call me"}).text


def test_unsubscribe_puts_the_number_on_the_list_and_leads_back(manager: Browser, campaign_id: int) -> None:
    here = "/replies/list/?_flt_0_state=needs-look"
    pk = reply("SM2").id
    assert re.search(rf'action="/replies/action/unsubscribe/{pk}"[^>]*data-confirm', manager.get(here).text)
    answer = manager.post(f"/replies/action/unsubscribe/{pk}", headers={"Referer": f"http://localhost{here}"})
    assert answer.location == here
    assert (reply("SM2").state, reply("SM2").settled_by) == (ReplyState.SETTLED, "campaign-manager")
    assert is_suppressed(Channel.SMS, phone_index(NUMBER))
    elsewhere = manager.post(
        f"/replies/action/answered/{reply('SM1').id}", headers={"Referer": "http://evil.example/x"}
    )
    assert elsewhere.location == "/replies/list/"


def test_no_opt_out_and_answered_are_said_once(manager: Browser, campaign_id: int) -> None:
    pk = reply("SM2").id
    manager.post(f"/replies/action/dismiss/{pk}")
    assert reply("SM2").state is ReplyState.DISMISSED
    again = manager.post(f"/replies/action/dismiss/{pk}", follow_redirects=True)
    assert "dealt with this reply already" in again.text
    chosen = {"action": "answered", "rowid": [str(reply(sid).id) for sid in ("SM1", "SM2")]}
    manager.post("/replies/action_post", data=chosen)
    assert {reply(sid).state for sid in ("SM1", "SM2")} == {ReplyState.ANSWERED}
    assert not is_suppressed(Channel.SMS, phone_index(NUMBER))


def test_replies_stand_with_their_contact_their_campaign_and_their_recipient(
    manager: Browser, campaign_id: int
) -> None:
    db.session.rollback()
    ann = db.session.scalars(select(Contact.id)).one()
    assert "please stop texting me" in manager.get(f"/contacts/show/{ann}").text
    report = manager.get(f"/reports/campaign/{campaign_id}").text
    assert "2 replies" in report and f"/reports/campaign/{campaign_id}/replies" in report
    part = manager.get(f"/reports/campaign/{campaign_id}/replies").text
    assert "Ann" in part and "please stop texting me" in part and "hello" not in part
    assert "please stop texting me" in manager.get(f"/reports/campaign/{campaign_id}/recipient/1").text
    shown = manager.get(f"/replies/show/{reply('SM1').id}").text
    assert "Also from this number" in shown and "please stop texting me" in shown


def test_who_may_not_read_contacts_reads_no_replies(analyst: Browser, campaign_id: int) -> None:
    assert analyst.get("/replies/list/").status_code in (302, 403)
    assert analyst.get(f"/replies/show/{reply('SM1').id}").status_code in (302, 403)
    assert analyst.get(f"/reports/campaign/{campaign_id}/replies").status_code == 403
    for page in (f"/reports/campaign/{campaign_id}", f"/reports/campaign/{campaign_id}/recipient/1"):
        text = analyst.get(page).text
        assert "texting" not in text and "/replies" not in text
    analyst.post(f"/replies/action/unsubscribe/{reply('SM2').id}")
    assert reply("SM2").state is ReplyState.NEEDS_LOOK


def test_the_page_asks_a_fixed_number_of_questions(manager: Browser, campaign_id: int) -> None:
    counted = []
    for number in range(2):
        asked: list[str] = []

        def note(
            _connection: object, _cursor: object, statement: str, *_rest: object, asked: list[str] = asked
        ) -> None:
            asked.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            manager.get("/replies/list/")
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        counted.append(len(asked))
        new = f"+4850199910{number}"
        sent_to(new)
        tell(f"SM1{number}", new, "more")
    assert counted[0] == counted[1]


def test_the_words_are_the_administrator_s(admin: Browser, manager: Browser) -> None:
    assert manager.get("/opt-out-words/").status_code in (302, 403)
    form = form_of(admin, "/opt-out-words/")
    assert "WYPISZ" in form["stop"].splitlines()
    saved = admin.post("/opt-out-words/", data=form | {"stop": "STOP\r\nDość", "help_answer": "Call us."})
    assert saved.status_code == 302
    again = form_of(admin, "/opt-out-words/")
    assert (again["stop"].splitlines(), again["help_answer"]) == (["STOP", "Dość"], "Call us.")
    refused = admin.post("/opt-out-words/", data=form | {"stop": "QUIT"})
    assert "STOP must stay on this list" in refused.text and "QUIT" in refused.text


def test_the_gateway_says_what_to_copy_to_twilio(panel: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    pk, with_key = factories.gateway().id, factories.gateway(key_sid=f"SK{'1' * 32}").id
    db.session.commit()
    assert "Set MUSTER_PUBLIC_URL" in admin.get(f"/gateways/show/{pk}").text
    monkeypatch.setitem(panel.config, "PUBLIC_URL", "https://muster.example")
    assert 'value="https://muster.example/hooks/twilio/inbound/' in admin.get(f"/gateways/show/{pk}").text
    assert "signs in with an API key" in admin.get(f"/gateways/show/{with_key}").text

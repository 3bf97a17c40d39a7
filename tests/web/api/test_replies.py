"""Replies and templates of WhatsApp over the API."""

from app.audience.addresses import phone_index
from app.audience.models import ReplyState
from app.audience.suppressions import is_suppressed
from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.channels.models import ApprovalState
from app.extensions import db
from app.kernel.db import in_transaction
from app.sending import replies
from app.sending.replies import Inbound
from tests import factories
from tests.web.api.conftest import Speak

NUMBER = "+48501999001"


def told(sid: str, text: str) -> None:
    in_transaction(replies.receive, 1, Channel.SMS, Inbound(sid, NUMBER, text))


def test_replies_are_listed_without_what_is_sealed_and_opened_one_by_one(program_as: Speak) -> None:
    told("SM1", "hello")
    told("SM2", "please stop it")
    manager = program_as("Campaign Manager")
    listed = manager.get("/reply/?q=(filters:!((col:state,opr:eq,value:needs-look)))").json
    assert listed["count"] == 1 and "text" not in listed["result"][0]
    one = manager.get(f"/reply/{listed['result'][0]['id']}").json["result"]
    assert (one["number"], one["text"], one["meaning"]) == (NUMBER, "please stop it", "unclear")
    assert manager.post("/reply/", {}).status_code == 405


def test_a_reply_is_settled_once(program_as: Speak) -> None:
    told("SM1", "please stop it")
    manager = program_as("Campaign Manager")
    pk = manager.get("/reply/").json["ids"][0]
    assert manager.post(f"/reply/{pk}/dismiss", {}).json["result"]["state"] == ReplyState.DISMISSED
    assert manager.post(f"/reply/{pk}/dismiss", {}).status_code == 409
    assert manager.post(f"/reply/{pk}/answered", {}).json["result"]["state"] == ReplyState.ANSWERED
    assert manager.post(f"/reply/{pk}/unsubscribe", {}).json["result"]["settled_by"] == "campaign-manager"
    db.session.rollback()
    assert is_suppressed(Channel.SMS, phone_index(NUMBER))
    assert manager.post("/reply/999/unsubscribe", {}).status_code == 404


def test_who_may_not_read_contacts_reads_no_replies(program_as: Speak) -> None:
    told("SM1", "hello")
    analyst = program_as("Analyst")
    assert analyst.get("/reply/").status_code == 403
    assert analyst.post("/reply/1/unsubscribe", {}).status_code == 403


def test_a_campaign_over_whatsapp_is_made_with_a_template_that_was_found(program_as: Speak) -> None:
    gateway = factories.whatsapp_gateway().id
    factories.whatsapp_template(name="sale", status=ApprovalState.REJECTED)
    factories.whatsapp_template()
    db.session.commit()
    manager = program_as("Campaign Manager")
    found = manager.get("/whatsapp_template/?q=(filters:!((col:status,opr:eq,value:approved)))").json["result"]
    assert [(each["name"], each["variables"]) for each in found] == [("parcel", ["1", "2"])]
    body = {"name": "Parcel", "channel": "whatsapp", "gateway_id": gateway, "whatsapp_template_id": found[0]["id"]}
    made = manager.post("/campaign/", body | {"template_values": "1 = {{ first_name }}\n2 = x"})
    assert made.status_code == 201
    shown = made.json["result"]
    assert (shown["whatsapp_template_id"], shown["channel"]) == (found[0]["id"], "whatsapp")
    wrong = manager.post("/campaign/", body | {"name": "Other", "template_values": "nonsense"})
    assert (wrong.status_code, wrong.json["field"]) == (422, "template_values")
    missing = manager.post("/campaign/", body | {"name": "Other", "whatsapp_template_id": 999})
    assert (missing.status_code, missing.json["field"]) == (422, "whatsapp_template_id")
    db.session.rollback()
    assert db.session.query(Campaign).count() == 1


def test_a_gateway_says_what_it_sends(program_as: Speak) -> None:
    body = {"name": "WA", "account_sid": f"AC{'1' * 32}", "secret": "t", "sender": "+44 7700 900123"}
    admin = program_as("Admin")
    assert admin.post("/gateway/", body).json["result"]["channel"] == "sms"
    other = admin.post("/gateway/", body | {"name": "WA2", "channel": "whatsapp"})
    assert other.json["result"]["channel"] == "whatsapp"
    wrong = admin.post("/gateway/", body | {"name": "WA3", "channel": "email"})
    assert (wrong.status_code, wrong.json["field"]) == (422, "channel")

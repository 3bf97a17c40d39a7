"""Campaigns by REST: writing them, moving them, and reading what became of them."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels import web_push
from app.extensions import db
from app.kernel.db import in_transaction
from app.sending import progress
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from jobs.sending import settle_campaign
from tests.providers.servers import Server
from tests.web.api.conftest import Program, Speak


def planned(pk: int) -> None:
    """Let the rows follow the campaign's last move, as the job does."""
    settle_campaign(pk)
    db.session.rollback()


def test_a_campaign_comes_back_as_it_was_written(admin_program: Program) -> None:
    values = {
        "name": "Autumn",
        "description": "The long one",
        "html": "<p>Dear {{ first_name | default: 'friend' }}</p>",
        "zone": "Europe/Warsaw",
        "start_at": "2030-05-04T09:00:00+02:00",
        "valid_until": "2030-06-04T09:00:00Z",
        "daily_from": "22:00",
        "daily_until": "06:30",
        "working_days_only": True,
        "holidays_country": "PL",
        "delay_seconds": 2,
        "customers_delay_seconds": 60,
        "customers_batch_size": 10,
        "track_opens": False,
    }
    pk = admin_program.campaign(**values)
    shown = admin_program.shown(f"/campaign/{pk}")
    times = {
        "start_at": "2030-05-04T07:00:00+00:00",
        "valid_until": "2030-06-04T09:00:00+00:00",
        "daily_from": "22:00:00",
        "daily_until": "06:30:00",
    }
    assert {name: shown[name] for name in values} == values | times
    assert (shown["status"], shown["created_by"], shown["documents"]) == ("draft", "admin", [])
    row = admin_program.get("/campaign/").json["result"][0]
    assert row["name"] == "Autumn" and "html" not in row


def test_without_an_account_a_campaign_is_refused(admin_program: Program) -> None:
    answer = admin_program.post("/campaign/", {"name": "Spring"})
    assert (answer.status_code, answer.json["field"]) == (422, "smtp_account_id")
    assert "Create one first" in answer.json["message"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"smtp_account_id": 7777}, "smtp_account_id"),
        ({"folder_ids": [7777]}, "folder_ids"),
        ({"start_at": "2030-05-04T09:00:00"}, "start_at"),
        ({"valid_from": "soon"}, "valid_from"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "valid_until"),
        ({"start_at": "0001-01-01T00:00:00+14:00"}, "start_at"),
        ({"start_at": 1893456000}, "start_at"),
        ({"daily_from": "25:00"}, "daily_from"),
        ({"daily_from": "09:00+02:00"}, "daily_from"),
        ({"zone": "Mars/Base"}, "zone"),
        ({"delay_seconds": -1}, "delay_seconds"),
        ({"delay_seconds": 2**63}, "delay_seconds"),
        ({"customers_batch_size": 5}, "customers_batch_size"),
        ({"subject": "a\nBcc: x@y.example"}, "subject"),
        ({"html": "{{ nonsense"}, "html"),
        ({"channel": "pigeon"}, "channel"),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_is_refused_by_name(admin_program: Program, values: dict[str, Any], field: str) -> None:
    pk = admin_program.campaign()
    before = admin_program.shown(f"/campaign/{pk}")
    for answer in (
        admin_program.put(f"/campaign/{pk}", values),
        admin_program.post("/campaign/", {"name": "Other", "smtp_account_id": before["smtp_account_id"]} | values),
    ):
        assert (answer.status_code, answer.json["field"]) == (422, field), answer.text
        assert answer.json["message"]
    assert admin_program.shown(f"/campaign/{pk}") == before
    assert admin_program.get("/campaign/").json["count"] == 1


def test_a_change_over_somebody_elses_is_refused(admin_program: Program) -> None:
    pk = admin_program.campaign()
    seen = admin_program.shown(f"/campaign/{pk}")["revision"]
    assert admin_program.put(f"/campaign/{pk}", {"subject": "One", "revision": seen}).status_code == 200
    late = admin_program.put(f"/campaign/{pk}", {"subject": "Two", "revision": seen})
    assert late.status_code == 409 and "Nothing of yours" in late.json["message"]
    assert admin_program.shown(f"/campaign/{pk}")["subject"] == "One"


def test_every_move_of_a_campaign(admin_program: Program) -> None:
    pk = admin_program.campaign()
    for move, status in (
        ("publish", "scheduled"),
        ("stop", "paused"),
        ("start", "scheduled"),
        ("unpublish", "paused"),
        ("publish", "scheduled"),
        ("end", "ended"),
    ):
        answer = admin_program.post(f"/campaign/{pk}/{move}")
        assert (answer.status_code, answer.json["result"]["status"]) == (200, status), move
    refused = admin_program.post(f"/campaign/{pk}/start")
    assert refused.status_code == 409 and "ended" in refused.json["message"]
    assert admin_program.put(f"/campaign/{pk}", {"subject": "Late"}).status_code == 409
    copy = admin_program.post(f"/campaign/{pk}/duplicate")
    assert copy.status_code == 201 and copy.json["id"] != pk
    assert (copy.json["result"]["name"], copy.json["result"]["status"]) == ("Spring (copy)", "draft")


def test_a_notification_needs_no_name_of_its_only_sender(admin_program: Program) -> None:
    folder = admin_program.made("/folder/", {"name": "Readers"})
    body = {"name": "Spring", "channel": "push", "subject": "News", "text": "It is spring.", "folder_ids": [folder]}
    without_keys = admin_program.post("/campaign/", body)
    assert (without_keys.status_code, without_keys.json["field"]) == (422, "web_push_sender_id"), without_keys.text
    in_transaction(web_push.ensure)
    pk = admin_program.made("/campaign/", body)
    assert admin_program.shown(f"/campaign/{pk}")["web_push_sender_id"] == web_push.get().id


def test_what_is_missing_for_a_publish_is_said(admin_program: Program) -> None:
    pk = admin_program.campaign(folder_ids=[])
    answer = admin_program.post(f"/campaign/{pk}/publish")
    assert (answer.status_code, answer.json["field"]) == (422, "folder_ids")
    assert admin_program.shown(f"/campaign/{pk}")["status"] == "draft"


def test_a_campaign_is_run_on_more_folders(admin_program: Program) -> None:
    pk = admin_program.campaign()
    admin_program.post(f"/campaign/{pk}/publish")
    folder = admin_program.made("/folder/", {"name": "More"})
    admin_program.made("/contact/", {"email": "bo@people.example", "folder_ids": [folder]})
    answer = admin_program.post(f"/campaign/{pk}/run", {"folder_ids": [folder]})
    assert answer.status_code == 200 and folder in answer.json["result"]["folder_ids"]
    planned(pk)
    assert admin_program.shown(f"/campaign/{pk}/report")["total"] == 2
    assert admin_program.post(f"/campaign/{pk}/run", {"folder_ids": []}).json["field"] == "folder_ids"
    assert admin_program.post(f"/campaign/{pk}/run").json["field"] == "folder_ids"


def test_a_report_counts_and_pages_through_the_recipients(admin_program: Program) -> None:
    pk = admin_program.campaign()
    folder = admin_program.shown(f"/campaign/{pk}")["folder_ids"][0]
    for number in range(4):
        admin_program.made("/contact/", {"email": f"p{number}@people.example", "folder_ids": [folder]})
    admin_program.post(f"/campaign/{pk}/publish")
    planned(pk)
    report = admin_program.shown(f"/campaign/{pk}/report")
    assert (report["total"], report["counts"]["awaiting"], report["is_over"]) == (5, 5, False)
    seen, after = [], 0
    while after is not None:
        page = admin_program.get(f"/campaign/{pk}/recipients?limit=2&after={after}").json
        seen += page["result"]
        after = page["next_after"]
    assert [row["seq"] for row in seen] == [1, 2, 3, 4, 5]
    assert seen[0]["address"] == "ada@people.example" and seen[0]["shown"] == "awaiting"
    assert admin_program.get(f"/campaign/{pk}/recipients?state=sent").json["result"] == []
    assert len(admin_program.get(f"/campaign/{pk}/recipients?state=awaiting").json["result"]) == 5
    for bad in ("state=nope", "after=-1", "after=x", "limit=1001", "after=99999999999"):
        assert admin_program.get(f"/campaign/{pk}/recipients?{bad}").status_code == 400, bad


def test_a_client_is_removed_and_the_reason_is_told(admin_program: Program) -> None:
    pk = admin_program.campaign()
    admin_program.post(f"/campaign/{pk}/publish")
    planned(pk)
    person = admin_program.get(f"/campaign/{pk}/recipients").json["result"][0]["contact_id"]
    assert admin_program.delete(f"/campaign/{pk}/recipients/{person}").status_code == 200
    assert admin_program.delete(f"/campaign/{pk}/recipients/7777").status_code == 404
    assert admin_program.shown(f"/campaign/{pk}/reasons") == [
        {"state": "stopped", "reason": "removed-by-user", "count": 1}
    ]


def test_who_may_not_read_contacts_sees_no_addresses(admin_program: Program, program_as: Speak) -> None:
    pk = admin_program.campaign()
    admin_program.post(f"/campaign/{pk}/publish")
    planned(pk)
    answer = program_as("Analyst").get(f"/campaign/{pk}/recipients")
    assert answer.json["result"][0]["address"] is None and "people.example" not in answer.text


def test_a_sending_campaign_is_not_deleted(admin_program: Program, panel: Flask) -> None:
    pk = admin_program.campaign()
    admin_program.post(f"/campaign/{pk}/publish")
    planned(pk)
    db.session.execute(update(Campaign).values(status=CampaignStatus.SENDING))
    db.session.commit()
    assert admin_program.delete(f"/campaign/{pk}").status_code == 409
    admin_program.post(f"/campaign/{pk}/stop")
    assert admin_program.delete(f"/campaign/{pk}").status_code == 200
    assert admin_program.get(f"/campaign/{pk}/report").status_code == 404
    assert db.session.query(CampaignRecipient).count() == 0


def test_a_document_is_attached_and_removed(admin_program: Program) -> None:
    pk = admin_program.campaign()

    def attach(name: str, data: bytes = b"%PDF-1.7") -> Any:
        return admin_program.upload(f"/campaign/{pk}/documents", data, name)

    answer = attach("../price list.pdf")
    assert answer.status_code == 201, answer.text
    shown = admin_program.shown(f"/campaign/{pk}")["documents"]
    assert shown == [answer.json["result"]] and shown[0]["name"] == "price list.pdf"
    for name, data in (("setup.exe", b"MZ"), ("empty.pdf", b""), ("big.pdf", b"x" * (10 * 2**20 + 1))):
        refused = attach(name, data)
        assert (refused.status_code, refused.json["field"]) == (422, "file"), name
    other = admin_program.post(f"/campaign/{pk}/duplicate").json["id"]
    document = answer.json["id"]
    assert admin_program.delete(f"/campaign/{other}/documents/{document}").status_code == 404
    assert admin_program.delete(f"/campaign/{pk}/documents/{document}").status_code == 200
    assert admin_program.shown(f"/campaign/{pk}")["documents"] == []


def test_the_message_is_sent_to_one_address_to_try_it(admin_program: Program) -> None:
    pk = admin_program.campaign(text="Hello {{ first_name }}")
    account = admin_program.shown(f"/campaign/{pk}")["smtp_account_id"]
    with Server() as server:
        admin_program.put(f"/smtp_account/{account}", {"port": server.port})
        answer = admin_program.post(f"/campaign/{pk}/test", {"to": "me@people.example"})
    assert answer.status_code == 200 and answer.json["result"]["is_sent"]
    (message,) = server.accepted
    assert message.recipient == "me@people.example" and b"Hello" in message.content


def test_lists_are_filtered_ordered_and_paged(admin_program: Program) -> None:
    pk = admin_program.campaign(name="Spring one")
    account = admin_program.shown(f"/campaign/{pk}")["smtp_account_id"]
    for name in ("Spring two", "Autumn"):
        admin_program.made("/campaign/", {"name": name, "smtp_account_id": account})

    def names(query: str) -> list[str]:
        answer = admin_program.get("/campaign/", query_string={"q": query})
        assert answer.status_code == 200, answer.text
        return [row["name"] for row in answer.json["result"]]

    assert names("(filters:!((col:name,opr:ct,value:Spring)),order_column:name,order_direction:asc)") == [
        "Spring one",
        "Spring two",
    ]
    assert names("(filters:!((col:status,opr:eq,value:draft)),page_size:1,page:1)") == ["Spring two"]
    assert names("(filters:!((col:status,opr:eq,value:nonsense)))") == []


def test_a_recipients_row_tells_why_it_failed(admin_program: Program) -> None:
    pk = admin_program.campaign()
    admin_program.post(f"/campaign/{pk}/publish")
    planned(pk)
    db.session.execute(update(CampaignRecipient).values(state=RecipientState.FAILED, reason="invalid-recipient"))
    progress.move(pk, {RecipientState.AWAITING: -1, RecipientState.FAILED: 1})
    db.session.commit()
    (row,) = admin_program.get(f"/campaign/{pk}/recipients?state=failed").json["result"]
    assert (row["state"], row["shown"], row["reason"]) == ("failed", "failed", "invalid-recipient")

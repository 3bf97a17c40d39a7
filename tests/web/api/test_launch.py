"""The launch check by REST: the same as the panel says, and nothing is planned by asking."""

from app.extensions import db
from app.sending.models import CampaignRecipient
from tests.web.api.conftest import Program, Speak


def test_the_check_of_a_ready_campaign(admin_program: Program) -> None:
    pk = admin_program.campaign(text="Hello {{ company }}", delay_seconds=20)
    found = admin_program.shown(f"/campaign/{pk}/launch-check")
    assert found["is_blocked"] is False
    assert found["people"] == {"waiting": 1, "left_out": []}
    (hole,) = found["missing"]
    assert (hole["field"], hole["count"]) == ("company", 1) and hole["example_contact_id"]
    forecast = found["forecast"]
    assert (forecast["people"], forecast["missed"], forecast["is_paced"]) == (1, 0, True)
    assert forecast["first_at"] == forecast["last_at"]
    assert forecast["sentence"] == "1 e-mail, day and night UTC: now."
    assert [(item["key"], item["level"]) for item in found["items"]] == [
        ("missing:company", "warning"),
        ("people", "ok"),
        ("sender", "ok"),
        ("size", "ok"),
        ("unsubscribe", "ok"),
    ]
    assert db.session.query(CampaignRecipient).count() == 0


def test_what_blocks_is_what_publish_refuses(admin_program: Program) -> None:
    pk = admin_program.campaign(folder_ids=[], subject="")
    found = admin_program.shown(f"/campaign/{pk}/launch-check")
    assert found["is_blocked"] is True
    blocking = [item for item in found["items"] if item["level"] == "blocking"]
    assert [item["key"] for item in blocking] == ["subject", "folders"]
    assert admin_program.post(f"/campaign/{pk}/publish").json["message"] == blocking[0]["text"]


def test_who_may_not_read_contacts_gets_no_example(admin_program: Program, program_as: Speak) -> None:
    pk = admin_program.campaign(text="Hello {{ company }}")
    (hole,) = program_as("Analyst").shown(f"/campaign/{pk}/launch-check")["missing"]
    assert (hole["count"], hole["example_contact_id"]) == (1, None)


def test_a_campaign_that_is_gone_is_a_404(admin_program: Program) -> None:
    assert admin_program.get("/campaign/999/launch-check").status_code == 404

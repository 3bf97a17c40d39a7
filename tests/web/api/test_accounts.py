"""SMTP accounts by REST."""

import pytest

from app.kernel.clock import utcnow
from tests.providers.servers import Server
from tests.web.api.conftest import ACCOUNT, Program


def test_an_account_is_made_read_changed_and_deleted(admin_program: Program) -> None:
    pk = admin_program.made("/smtp_account/", ACCOUNT | {"per_second": 10})
    assert admin_program.shown(f"/smtp_account/{pk}")["per_second"] == 10
    answer = admin_program.put(f"/smtp_account/{pk}", {"per_second": None, "from_name": "Shop"})
    assert answer.status_code == 200
    shown = admin_program.shown(f"/smtp_account/{pk}")
    assert (shown["per_second"], shown["from_name"], shown["port"]) == (None, "Shop", 2525)
    assert admin_program.get("/smtp_account/").json["count"] == 1
    assert admin_program.delete(f"/smtp_account/{pk}").status_code == 200
    assert admin_program.get(f"/smtp_account/{pk}").status_code == 404


def test_a_secret_is_kept_and_never_given_back(admin_program: Program) -> None:
    secret = "very-secret-words"
    made = admin_program.post("/smtp_account/", ACCOUNT | {"username": "shop", "secret": secret})
    pk = made.json["id"]
    changed = admin_program.put(f"/smtp_account/{pk}", {"port": 26})
    assert changed.status_code == 200  # the old secret still goes with the user name
    shown, listed = admin_program.get(f"/smtp_account/{pk}"), admin_program.get("/smtp_account/")
    for answer in (made, changed, shown, listed):
        assert secret not in answer.text and "secret" not in answer.text


def test_an_account_signs_with_a_key_that_is_never_given_back(admin_program: Program) -> None:
    pk = admin_program.made("/smtp_account/", ACCOUNT | {"dkim_domain": "shop.example", "dkim_selector": "muster1"})
    answer = admin_program.get(f"/smtp_account/{pk}")
    record = answer.json["result"]["dkim_record"]
    assert record["name"] == "muster1._domainkey.shop.example" and "p=" in record["text"]
    assert "PRIVATE" not in answer.text and "dkim_key" not in answer.text
    changed = admin_program.put(f"/smtp_account/{pk}", {"per_day": 5})
    assert changed.json["result"]["dkim_record"] == record
    gone = admin_program.put(f"/smtp_account/{pk}", {"dkim_domain": None, "dkim_selector": None})
    assert gone.json["result"]["dkim_record"] is None
    refused = admin_program.put(f"/smtp_account/{pk}", {"dkim_domain": "shop.example", "dkim_selector": "a b"})
    assert (refused.status_code, refused.json["field"]) == (422, "dkim_selector")


def test_a_warm_up_begins_and_ends_by_a_program(admin_program: Program) -> None:
    today = utcnow().date().isoformat()
    plan = {"per_day": 400, "warm_up_begins_on": today, "warm_up_first_day": 20, "warm_up_growth_percent": 40}
    pk = admin_program.made("/smtp_account/", ACCOUNT | plan)
    shown = admin_program.shown(f"/smtp_account/{pk}")
    assert (shown["warm_up_begins_on"], shown["warm_up_growth_percent"], shown["most_today"]) == (today, 40, 20)
    refused = admin_program.put(f"/smtp_account/{pk}", {"per_day": None})
    assert (refused.status_code, refused.json["field"]) == (422, "per_day")
    assert admin_program.put(f"/smtp_account/{pk}", {"warm_up_begins_on": None}).json["result"]["most_today"] == 400
    assert admin_program.shown(f"/smtp_account/{pk}")["slow_per_hour"] is None


def test_a_stand_in_is_named_by_a_program(admin_program: Program) -> None:
    spare = admin_program.made("/smtp_account/", ACCOUNT | {"name": "Spare"})
    pk = admin_program.made("/smtp_account/", ACCOUNT | {"stand_in_id": spare})
    shown = admin_program.shown(f"/smtp_account/{pk}")
    assert (shown["stand_in_id"], shown["stood_in_since"], shown["failing_since"]) == (spare, None, None)
    refused = admin_program.put(f"/smtp_account/{pk}", {"stand_in_id": pk})
    assert (refused.status_code, refused.json["field"]) == (422, "stand_in_id")
    kept = admin_program.delete(f"/smtp_account/{spare}")
    assert kept.status_code == 409 and ACCOUNT["name"] in kept.json["message"]
    assert admin_program.put(f"/smtp_account/{pk}", {"stand_in_id": None}).json["result"]["stand_in_id"] is None
    assert admin_program.delete(f"/smtp_account/{spare}").status_code == 200


def test_paces_to_domains_are_an_object_of_numbers(admin_program: Program) -> None:
    pk = admin_program.made("/smtp_account/", ACCOUNT | {"domain_paces": {"GMail.com": 20}})
    assert admin_program.shown(f"/smtp_account/{pk}")["domain_paces"] == {"gmail.com": 20}
    for wrong in ({"gmail.com": 0}, {"gmail.com": "20"}, {"gmail": 20}, ["gmail.com"]):
        refused = admin_program.put(f"/smtp_account/{pk}", {"domain_paces": wrong})
        assert (refused.status_code, refused.json["field"]) == (422, "domain_paces")
    assert admin_program.put(f"/smtp_account/{pk}", {"domain_paces": None}).json["result"]["domain_paces"] is None


def test_a_refusal_names_the_field(admin_program: Program) -> None:
    answer = admin_program.post("/smtp_account/", ACCOUNT | {"from_email": "nobody"})
    assert (answer.status_code, answer.json["field"]) == (422, "from_email")
    answer = admin_program.post("/smtp_account/", ACCOUNT | {"username": "shop"})
    assert (answer.status_code, answer.json["field"]) == (422, "secret")


def test_an_account_in_use_is_not_deleted(admin_program: Program) -> None:
    pk = admin_program.campaign()
    account = admin_program.shown(f"/campaign/{pk}")["smtp_account_id"]
    answer = admin_program.delete(f"/smtp_account/{account}")
    assert answer.status_code == 409 and "Spring" in answer.json["message"]


def test_a_test_message_is_sent_and_the_servers_words_come_back(admin_program: Program) -> None:
    with Server() as server:
        pk = admin_program.made("/smtp_account/", ACCOUNT | {"port": server.port})
        answer = admin_program.post(f"/smtp_account/{pk}/test", {"to": "me@people.example"})
        own = admin_program.post(f"/smtp_account/{pk}/test")
    assert answer.status_code == 200 and answer.json["result"]["is_sent"] is True
    assert [message.recipient for message in server.accepted] == ["me@people.example", "admin@example.org"]
    assert any("250" in line for line in answer.json["result"]["transcript"])
    assert own.json["result"]["outcome"] == "accepted"


def test_a_test_message_to_a_dead_server_says_so(admin_program: Program) -> None:
    with Server() as server:
        port = server.port
    pk = admin_program.made("/smtp_account/", ACCOUNT | {"port": port})
    answer = admin_program.post(f"/smtp_account/{pk}/test")
    assert answer.status_code == 200
    assert answer.json["result"]["is_sent"] is False and answer.json["result"]["detail"]


@pytest.mark.parametrize("to", ["", 5, None, "a\r\nb@x.example"])
def test_a_test_message_goes_to_an_address_only(admin_program: Program, to: object) -> None:
    pk = admin_program.made("/smtp_account/", ACCOUNT)
    answer = admin_program.post(f"/smtp_account/{pk}/test", {"to": to or 7})
    assert (answer.status_code, answer.json["field"]) == (422, "to")

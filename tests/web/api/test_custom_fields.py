"""/api/v1/custom_field, and what campaigns have in such fields."""

from tests.web.api.conftest import ACCOUNT, Program, Speak

REGION = {"name": "Region", "kind": "choice", "choices": ["North", "South"], "is_required": True}


def test_a_field_is_defined_changed_and_deleted(admin_program: Program) -> None:
    made = admin_program.made("/custom_field/", REGION)
    assert admin_program.put(f"/custom_field/{made}", {"help": "Where the shop is"}).status_code == 200
    shown = admin_program.shown(f"/custom_field/{made}")
    assert {name: shown[name] for name in (*REGION, "help")} == REGION | {"help": "Where the shop is"}
    refused = admin_program.put(f"/custom_field/{made}", {"choices": ["North"]})
    assert refused.status_code == 422 and "two" in refused.text
    assert admin_program.delete(f"/custom_field/{made}").status_code == 200
    assert admin_program.get(f"/custom_field/{made}").status_code == 404


def test_a_campaign_takes_and_gives_back_its_values_by_name(admin_program: Program) -> None:
    admin_program.made("/custom_field/", REGION)
    admin_program.made("/custom_field/", {"name": "Budget", "kind": "number"})
    account = admin_program.made("/smtp_account/", ACCOUNT)
    body = {"name": "Spring", "smtp_account_id": account, "custom_fields": {"Region": "South", "Budget": "12,5"}}
    made = admin_program.made("/campaign/", body)
    assert admin_program.shown(f"/campaign/{made}")["custom_fields"] == {"Region": "South", "Budget": "12.5"}
    assert admin_program.put(f"/campaign/{made}", {"custom_fields": {"Budget": ""}}).status_code == 200
    assert admin_program.shown(f"/campaign/{made}")["custom_fields"] == {"Region": "South"}


def test_a_value_that_does_not_fit_and_a_name_that_is_not_there_are_refused(admin_program: Program) -> None:
    admin_program.made("/custom_field/", REGION)
    account = admin_program.made("/smtp_account/", ACCOUNT)
    for values, words in (({"Region": "West"}, "Choose one of North, South"), ({"Colour": "red"}, "no field")):
        body = {"name": "Spring", "smtp_account_id": account, "custom_fields": values}
        answer = admin_program.post("/campaign/", body)
        assert answer.status_code == 422 and words in answer.text
    assert admin_program.get("/campaign/").json["count"] == 0


def test_only_an_administrator_defines_fields(program_as: Speak) -> None:
    for role in ("Campaign Manager", "Analyst"):
        assert program_as(role).post("/custom_field/", REGION).status_code == 403

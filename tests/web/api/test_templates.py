"""/api/v1/template."""

from typing import Any

from tests.web.api.conftest import Program, Speak

SPRING = {"name": "Spring", "subject": "Hi", "html": "<p>Hello {{ first_name }}</p>"}


def test_a_template_is_made_changed_and_deleted(manager_program: Program) -> None:
    made = manager_program.made("/template/", SPRING)
    answer = manager_program.put(f"/template/{made}", {"subject": "Hello"})
    assert answer.status_code == 200
    shown = manager_program.shown(f"/template/{made}")
    assert {key: shown[key] for key in ("name", "subject", "html", "channel")} == SPRING | {
        "subject": "Hello",
        "channel": "email",
    }
    assert manager_program.delete(f"/template/{made}").status_code == 200
    assert manager_program.get(f"/template/{made}").status_code == 404


def test_the_list_has_no_messages(manager_program: Program) -> None:
    manager_program.made("/template/", SPRING)
    (row,) = manager_program.get("/template/").json["result"]
    assert "html" not in row


def test_a_wrong_field_is_named(manager_program: Program) -> None:
    answer: Any = manager_program.post("/template/", SPRING | {"html": "{{ nothing_like_it }}"})
    assert answer.status_code == 422
    assert answer.json["errors"].keys() == {"html"} if "errors" in answer.json else "html" in answer.text


def test_an_analyst_reads_and_changes_nothing(manager_program: Program, program_as: Speak) -> None:
    made = manager_program.made("/template/", SPRING)
    analyst = program_as("Analyst")
    assert analyst.get(f"/template/{made}").status_code == 200
    assert analyst.post("/template/", SPRING | {"name": "Other"}).status_code == 403
    assert analyst.delete(f"/template/{made}").status_code == 403

"""The bounce mailbox of an account by REST."""

from typing import Any

import pytest
from flask import Flask

from app.channels import bounce_mailboxes
from app.channels.mailbox import MailProtocol
from app.extensions import db
from tests.channels import mails
from tests.providers import dovecot
from tests.sending.test_mail_receipts import sent
from tests.sending.test_mailboxes import mark
from tests.web.api.conftest import ACCOUNT, Program, Speak

SECRET = "correct horse battery"
MAILBOX = {"host": "imap.example.org", "username": "bounces", "secret": SECRET}


def account(program: Program, **values: Any) -> str:
    pk = program.made("/smtp_account/", ACCOUNT | {"bounce_address": "bounces@shop.example"} | values)
    return f"/smtp_account/{pk}/mailbox"


def stored(path: str) -> Any:
    db.session.rollback()
    mailbox = bounce_mailboxes.find(int(path.split("/")[2]))
    return mailbox and bounce_mailboxes.settings_of(mailbox)


def test_a_mailbox_is_made_read_changed_and_taken_away(admin_program: Program) -> None:
    path = account(admin_program)
    assert admin_program.get(path).status_code == 404
    made = admin_program.put(path, MAILBOX)
    assert made.status_code == 200 and stored(path).secret == SECRET
    result = made.json["result"]
    assert (result["protocol"], result["port"], result["checked_at"], result["receipts"]) == ("imap", 993, None, 0)
    changed = admin_program.put(path, {"port": 1993, "username": "others"})
    changed_again = admin_program.put(path, {"host": "mail.example.org"})
    there = stored(path)
    assert (there.host, there.port, there.username, there.secret) == ("mail.example.org", 1993, "others", SECRET)
    admin_program.put(path, {"protocol": "pop3"})  # the port of IMAP does not stay
    assert (stored(path).protocol, stored(path).port) == (MailProtocol.POP3, 995)
    for answer in (made, changed, changed_again, admin_program.get(path)):
        assert SECRET not in answer.text and "secret" not in answer.text
    assert admin_program.delete(path).status_code == 200
    assert stored(path) is None
    assert [admin_program.delete(path).status_code, admin_program.post(f"{path}/check").status_code] == [404, 404]


def test_a_refusal_names_the_field_and_changes_nothing(admin_program: Program) -> None:
    path = account(admin_program)
    without = account(admin_program, name="Other", bounce_address=None)
    refused = admin_program.put(without, MAILBOX)
    assert refused.status_code == 422 and "bounce address first" in refused.json["message"]
    for name in ("host", "username", "secret"):
        values = {key: value for key, value in MAILBOX.items() if key != name}
        refused = admin_program.put(path, values)
        assert (refused.status_code, refused.json["field"]) == (422, name)
    assert stored(path) is None
    admin_program.put(path, MAILBOX)
    for wrong in ({"host": "https://x"}, {"port": 0}, {"protocol": "nntp"}, {"username": ""}, {"due_at": None}):
        refused = admin_program.put(path, wrong)
        assert (refused.status_code, refused.json["field"]) == (422, *wrong)
    there = stored(path)
    assert (there.host, there.port, there.username) == ("imap.example.org", 993, "bounces")


def test_a_visit_says_what_was_found_or_what_is_wrong(
    admin_program: Program, panel: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dovecot.running() as server:
        monkeypatch.setitem(panel.config, "SMTP_CA_FILE", server.ca_file)
        path, there = account(admin_program), server.settings(MailProtocol.IMAP)
        place = {"host": there.host, "port": there.port, "username": there.username, "secret": there.secret}
        assert admin_program.put(path, place).status_code == 200
        server.deliver(mails.failed(to=mark(sent())), mails.plain("Hello", subject="Question"))
        found = {"is_read": True, "problem": "", "receipts": 1, "ignored": 0, "strange": 1}
        assert admin_program.post(f"{path}/check").json["result"] == found
        admin_program.put(path, {"secret": "another one"})
        refused = admin_program.post(f"{path}/check").json["result"]
    assert refused["is_read"] is False and refused["problem"].startswith("The server refused: ")
    shown = admin_program.shown(path)
    assert shown["problem"] == refused["problem"] and shown["checked_at"]
    assert (shown["receipts"], shown["strange"]) == (1, 1)


def test_a_manager_reads_it_and_an_analyst_does_not(admin_program: Program, program_as: Speak) -> None:
    path = account(admin_program)
    admin_program.put(path, MAILBOX | {"host": "127.0.0.1", "port": 1})
    manager, analyst = program_as("Campaign Manager"), program_as("Analyst")
    assert manager.shown(path)["username"] == "bounces"
    assert manager.post(f"{path}/check").json["result"]["is_read"] is False
    assert [manager.put(path, {}).status_code, manager.delete(path).status_code] == [403, 403]
    assert [analyst.put(path, {}).status_code, analyst.delete(path).status_code] == [403, 403]
    assert stored(path) is not None

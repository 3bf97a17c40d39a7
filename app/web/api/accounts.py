"""/api/v1/smtp_account: the servers that campaigns are sent through."""

from dataclasses import asdict
from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import protect
from flask_babel import gettext as _
from marshmallow import fields, post_dump

from app.channels import bounce_mailboxes, service
from app.channels.contract import Outcome, Security, TestReport
from app.channels.models import SmtpAccount
from app.channels.receipt_models import BounceMailbox
from app.extensions import db
from app.kernel import clock
from app.kernel.db import reading
from app.sending import mailboxes, sender_limits
from app.web import words
from app.web.api.base import RestApi, own_address
from app.web.api.bodies import Body, Choice, Day, Flag, Moment, Numbers, Text, Whole, read
from app.web.api.mailboxes import MailboxBody, MailboxShown, MailboxVisit, shown, shown_visit, wanted
from app.web.api.openapi import DONE, described, ref, result_of
from app.web.api.senders import LimitsBody, StandingBody
from app.web.lists import AppInterface
from app.web.views.smtp_accounts import delete_account


class AccountBody(LimitsBody):
    """What may be written. secret and dkim_key (PEM) are never given back; without them the old ones stay.

    With a DKIM domain and selector and no key yet, one is made. warm_up_begins_on: null for no warm-up. stand_in_id:
    the account over whose server its messages go while it cannot send, null for none. domain_paces: messages a minute
    by recipient domain, as {"gmail.com": 20}; null for none.
    """

    name = Text(required=True)
    host = Text(required=True)
    port = Whole()
    security = Choice(Security)
    username = Text()
    secret = Text(load_only=True)
    auth = Text()
    from_name = Text()
    from_email = Text(required=True)
    reply_to = Text(allow_none=True)
    bounce_address = Text(allow_none=True)
    messages_per_connection = Whole()
    dkim_domain = Text(allow_none=True)
    dkim_selector = Text(allow_none=True)
    dkim_key = Text(load_only=True)
    stand_in_id = Whole(allow_none=True)
    warm_up_begins_on = Day(allow_none=True)
    warm_up_first_day = Whole()
    warm_up_growth_percent = Whole()
    domain_paces = Numbers(allow_none=True)


class AccountRow(AccountBody, StandingBody):
    """An account in the list. failing_since: since when its server cannot be used; stood_in_since: since when its
    stand-in carries its messages. Both null while it sends itself."""

    failing_since = Moment(dump_only=True)
    stood_in_since = Moment(dump_only=True)


class RecordShown(Body):
    """A TXT record of the DNS."""

    name = Text()
    text = Text()


class AccountShown(AccountRow):
    """An account with the record that receivers check its signatures with, when it signs.

    most_today: what it may send in the 24 hours before now: its limit per day, or what the warm-up leaves of it.
    slow_per_hour: at most so many an hour leave because the server asked to slow down, null when it did not.
    """

    most_today = Whole(dump_only=True, allow_none=True)
    slow_per_hour = Whole(dump_only=True, allow_none=True)
    dkim_record = fields.Nested(RecordShown, dump_only=True, allow_none=True)

    @post_dump(pass_original=True)
    def add_record(self, shown: dict[str, Any], account: SmtpAccount, **_kwargs: Any) -> dict[str, Any]:
        """Add what is no column: the number of this day, and the record, which is made from the sealed key."""
        shown["most_today"] = account.most_on(clock.utcnow().date())
        record = service.dkim_record(account)
        shown["dkim_record"] = None if record is None else {"name": record[0], "text": record[1]}
        return shown


class TestBody(Body):
    """Where a test message goes; without it, to the person who asks."""

    __test__ = False

    to = Text()


class TestResult(Body):
    """What the server said to a test message."""

    __test__ = False

    is_sent = Flag()
    outcome = Text()
    reason = Text(allow_none=True)
    code = Text()
    detail = Text()


def shown_report(report: TestReport) -> dict[str, Any]:
    """A test's result as JSON, with the dialogue line by line."""
    result = report.result
    return {
        "is_sent": result.outcome is Outcome.ACCEPTED,
        "outcome": result.outcome,
        "reason": result.reason,
        "code": result.code,
        "detail": result.detail,
        "transcript": list(report.transcript),
    }


FINDING = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("kind", "level", "words", "name", "record")},
}


class SmtpAccountApi(RestApi):
    """SMTP accounts."""

    resource_name = "smtp_account"
    resource = "SmtpAccount"
    openapi_spec_tag = "SMTP accounts"
    openapi_spec_component_schemas = (TestBody, TestResult, MailboxBody, MailboxShown, MailboxVisit)
    datamodel = AppInterface(SmtpAccount)
    method_permission_name = {
        "test": "test",
        "dns": "test",
        "mailbox": "read",
        "put_mailbox": "update",
        "remove_mailbox": "update",
        "check_mailbox": "test",
    }
    list_columns = show_columns = list(AccountRow().dump_fields)
    search_columns = ["name", "host", "from_email"]
    order_columns = ["id", "name", "host", "from_email"]
    base_order = ("id", "asc")
    add_model_schema = edit_model_schema = AccountBody()
    list_model_schema, show_model_schema = AccountRow(), AccountShown()

    def create(self, values: dict[str, Any]) -> SmtpAccount:
        """A new account with its password sealed."""
        account = SmtpAccount()
        self.change(account, values)
        service.add_account(account)
        return account

    def change(self, item: SmtpAccount, values: dict[str, Any]) -> None:
        """The given values, checked."""
        secret, dkim_key = values.pop("secret", None), values.pop("dkim_key", "")
        with db.session.no_autoflush:
            for name, value in values.items():
                setattr(item, name, value)
            service.prepare_account(item, secret)
            sender_limits.follow(item)
            service.prepare_dkim(item, dkim_key.strip())

    def remove(self, item: SmtpAccount) -> None:
        """Delete an account that nothing uses."""
        delete_account(item)

    @expose("/<int:pk>/test", methods=["POST"])
    @protect()
    @described("post", result_of(ref("TestResult")), body=ref("TestBody"))
    def test(self, pk: int) -> Any:
        """Send a test e-mail and tell what the server said."""
        to = read(TestBody()).get("to") or own_address()
        return self.response(200, result=shown_report(service.send_test_message(self.item(pk).id, to)))

    @expose("/<int:pk>/dns", methods=["GET"])
    @protect()
    @described("get", result_of({"type": "array", "items": FINDING}))
    def dns(self, pk: int) -> Any:
        """What receivers find in the DNS about its messages: SPF, DKIM and DMARC, and what to put there."""
        found = service.dns_findings(self.item(pk))
        result = [asdict(each) | {"words": words.said(each.words)} for each in found]
        return self.response(200, result=result)

    @expose("/<int:pk>/mailbox", methods=["GET"])
    @protect()
    @described("get", result_of(ref("MailboxShown")))
    def mailbox(self, pk: int) -> Any:
        """Its bounce mailbox: server, sign-in name, and what was found in it."""
        return self.response(200, result=shown(bounce_mailboxes.get(self.item(pk).id)))

    @expose("/<int:pk>/mailbox", methods=["PUT"])
    @protect()
    @described("put", result_of(ref("MailboxShown")), body=ref("MailboxBody"))
    def put_mailbox(self, pk: int) -> Any:
        """Give it a bounce mailbox, or change the values that are named of the one it has."""
        is_new = bounce_mailboxes.find(self.item(pk).id) is None
        values = read(MailboxBody(), partial=not is_new)

        def save() -> BounceMailbox:
            account = self.item(pk)
            return bounce_mailboxes.save(account, wanted(values, bounce_mailboxes.find(account.id)))

        saved = self.written(save)
        with reading():
            return self.response(200, result=shown(saved))

    @expose("/<int:pk>/mailbox", methods=["DELETE"])
    @protect()
    @described("delete", DONE)
    def remove_mailbox(self, pk: int) -> Any:
        """Read its bounce mailbox no more; the mails stay where they are."""
        self.written(lambda: bounce_mailboxes.remove(self.item(pk)))
        return self.response(200, message=_("The bounce mailbox is not read any more. Its mails stay where they are."))

    @expose("/<int:pk>/mailbox/check", methods=["POST"])
    @protect()
    @described("post", result_of(ref("MailboxVisit")))
    def check_mailbox(self, pk: int) -> Any:
        """Read its bounce mailbox at once and tell what was found, or what the server said."""
        read(Body())
        with reading():  # no transaction stays open across the network call
            account_id = self.item(pk).id
        return self.response(200, result=shown_visit(mailboxes.visit(account_id)))

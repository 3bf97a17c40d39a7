"""Failover of SMTP accounts over the whole way: what one cannot send goes over its stand-in, and later not any more."""

import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels import service as channels
from app.channels import stand_ins
from app.channels.contract import Fault, Outcome, Outgoing, RunReport, SendResult
from app.channels.message_marks import POSTMARK_HEADER
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.audit import AuditEvent, Subject, What
from app.kernel.db import db_now, transaction
from app.kernel.errors import InvalidInput
from app.reports import stand_ins as detours
from app.reports import story
from app.sending import failover, sender_limits, slices, usage
from app.sending.claim import Claim
from app.sending.deliver import BatchFeed
from app.sending.models import CampaignRecipient
from app.sending.writers import values_of
from jobs import sending as jobs
from tests import factories
from tests.conftest import free_port
from tests.providers.script import Script, at
from tests.providers.servers import Server
from tests.sending import ledger
from tests.sending.test_path import forward, status, tick_and_work

pytestmark = pytest.mark.usefixtures("true_counters")

DATE = re.compile(rb"(?m)^Date: .*$")
OWN, OTHER = "news@shop.example", "office@shop.example"


def pair(own: dict[str, Any], stand_in: dict[str, Any]) -> tuple[int, int]:
    """An account and its stand-in, which writes as somebody else of the domain; their ids."""
    with transaction():
        other = factories.account(name="Spare", from_email=OTHER, max_connections=4, **stand_in)
        secret = own.pop("secret", None)
        mine = factories.account(secret, name="Main", from_email=OWN, max_connections=4, stand_in_id=other.id, **own)
        return mine.id, other.id


def publish(account_id: int, people: int, **values: Any) -> int:
    with transaction():
        return factories.live_campaign(people, sender=channels.get_account(account_id), **values).id


def fail_over() -> None:
    """The server of an account is away: its breaker opens, and half a minute later its probe fails as well."""
    tick_and_work()
    forward(31)
    tick_and_work()


def account(account_id: int) -> SmtpAccount:
    with transaction():
        found = channels.get_account(account_id)
        db.session.expunge(found)
        return found


def ways(campaign_id: int) -> dict[int | None, int]:
    """How many messages went over which account, by the rows."""
    with transaction():
        rows = select(CampaignRecipient.sender_id).where(CampaignRecipient.campaign_id == campaign_id)
        found = list(db.session.scalars(rows))
        return {each: found.count(each) for each in set(found)}


def events(subject: Subject, subject_id: int) -> list[What]:
    with transaction():
        mine = (AuditEvent.subject == subject, AuditEvent.subject_id == subject_id)
        wanted = AuditEvent.what.in_(
            (What.ACCOUNT_STAND_IN, What.ACCOUNT_STAND_IN_END, What.CAMPAIGN_STAND_IN, What.CAMPAIGN_OWN_ACCOUNT)
        )
        return list(db.session.scalars(select(AuditEvent.what).where(*mine, wanted).order_by(AuditEvent.id)))


def detour(campaign_id: int, seq: int) -> detours.Detour | None:
    with transaction():
        return story.story(campaign_id, seq).detour


def mail_of(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)  # type: ignore[return-value]


def test_a_campaign_goes_on_over_the_stand_in_and_comes_back(app: Flask) -> None:
    port = free_port()
    with Server() as spare:
        main_id, spare_id = pair(
            {"port": port, "bounce_address": "bounces@shop.example"}, {"port": spare.port, "per_minute": 20}
        )
        campaign_id = publish(main_id, 12)
        tick_and_work()
        assert (account(main_id).stood_in_since, len(spare.accepted)) == (None, 0)  # once is no reason
        forward(31)
        tick_and_work()
        failing = account(main_id)
        assert failing.failing_since is not None and failing.stood_in_since is not None
        assert failing.failing_since < failing.stood_in_since
        assert len(spare.accepted) == 1 and status(campaign_id) is CampaignStatus.SENDING  # one in three seconds
        mail, sender = mail_of(spare.accepted[0].content), spare.accepted[0].sender
        assert OWN in str(mail["From"]) and OTHER not in spare.accepted[0].content.decode()
        assert sender.startswith("<bounces+") and sender.endswith("@shop.example>")
        assert mail["Message-ID"].startswith(f"<{campaign_id}.1.")
        forward(100)
        tick_and_work()  # a probe that fails is no change of way
        assert events(Subject.CAMPAIGN, campaign_id) == [What.CAMPAIGN_STAND_IN]
        with Server(port=port) as main:
            forward(1000)
            tick_and_work(4)
            assert status(campaign_id) is CampaignStatus.FINISHED
            reached = [mail.recipient for mail in (*spare.accepted, *main.accepted)]
            assert len(set(reached)) == len(reached) == 12 and len(main.accepted) >= 10
    assert ledger.counters(campaign_id) == {"sent": 12}
    assert ways(campaign_id) == {main_id: len(main.accepted), spare_id: len(spare.accepted)}
    well = account(main_id)
    assert (well.failing_since, well.stood_in_since, well.breaker_open_until) == (None, None, None)
    assert events(Subject.ACCOUNT, main_id) == [What.ACCOUNT_STAND_IN, What.ACCOUNT_STAND_IN_END]
    assert events(Subject.CAMPAIGN, campaign_id) == [What.CAMPAIGN_STAND_IN, What.CAMPAIGN_OWN_ACCOUNT]
    first, last = detour(campaign_id, 1), detour(campaign_id, 12)
    assert first is not None and last is None
    assert (first.account, first.stand_in) == ("Main", "Spare") and first.why == failing.last_error


def test_a_refused_sign_in_costs_no_time_and_is_mended_by_a_person(app: Flask) -> None:
    with Server() as spare, Server(Script(auth="PLAIN LOGIN", secret="right")) as main:
        main_id, spare_id = pair({"port": main.port, "username": "user", "secret": "wrong"}, {"port": spare.port})
        campaign_id = publish(main_id, 5)
        tick_and_work()
        assert ledger.counters(campaign_id) == {"sent": 5} and status(campaign_id) is CampaignStatus.FINISHED
        assert ways(campaign_id) == {spare_id: 5} and main.accepted == []
        assert account(main_id).paused_reason and account(spare_id).paused_reason is None
        second = publish(main_id, 2)  # a paused account keeps no campaign from its start while its stand-in may send
        tick_and_work()
        assert ways(second) == {spare_id: 2} and len(main.visits) == 1  # and nobody tried that password again
        with transaction():
            mended = channels.get_account(main_id)
            channels.prepare_account(mended, "right")
            sender_limits.follow(mended)
        third = publish(main_id, 2)
        tick_and_work()
        assert ways(third) == {main_id: 2} and account(main_id).stood_in_since is None
    assert events(Subject.ACCOUNT, main_id) == [What.ACCOUNT_STAND_IN, What.ACCOUNT_STAND_IN_END]


def test_a_stand_in_that_is_refused_stops_the_campaign_and_not_its_own(app: Flask) -> None:
    refusal = "550 5.7.1 Sender not authorised, SPF check failed"
    rules = [lambda moment: refusal if moment.stage == "MAIL" and OWN in moment.line else None]
    with Server(Script(rules=rules)) as spare:
        main_id, spare_id = pair({"port": free_port()}, {"port": spare.port})
        campaign_id = publish(main_id, 3)
        fail_over()
        with transaction():
            stopped = campaigns.get(campaign_id)
            assert stopped.status is CampaignStatus.FAILED and "stands in for Main" in stopped.status_detail
        own = publish(spare_id, 3)
        tick_and_work()
        assert ledger.counters(campaign_id) == {"awaiting": 3} and ledger.counters(own) == {"sent": 3}
    assert account(spare_id).paused_reason is None


def test_a_limit_that_is_used_up_is_no_failure(app: Flask) -> None:
    with Server() as main, Server() as spare:
        main_id, _ = pair({"port": main.port, "per_day": 1}, {"port": spare.port})
        publish(main_id, 3)
        fail_over()
        assert (len(main.accepted), len(spare.accepted), account(main_id).failing_since) == (1, 0, None)


def test_a_server_that_asks_to_slow_down_is_not_gone_around(app: Flask) -> None:
    with Server(Script(rules=[at("greeting", "421 4.7.0 Too many messages, slow down")])) as main, Server() as spare:
        main_id, _ = pair({"port": main.port}, {"port": spare.port})
        publish(main_id, 3)
        fail_over()
        assert spare.accepted == [] and account(main_id).stood_in_since is None
        assert account(main_id).breaker_open_seconds == 60


def test_both_campaigns_share_the_limits_of_the_stand_in(app: Flask) -> None:
    with Server() as spare:
        main_id, spare_id = pair({"port": free_port()}, {"port": spare.port, "per_day": 5})
        own = publish(spare_id, 3)
        tick_and_work()
        campaign_id = publish(main_id, 4)
        fail_over()
        assert len(spare.accepted) == 5
        with transaction():
            uses = usage.of([channels.get_account(each) for each in (spare_id, main_id)], db_now())
            assert [[(use.used, use.most) for use in found.uses] for found in uses] == [[(5, 5)], []]
            waits = campaigns.get(campaign_id)
            assert "limit per day of Spare" in waits.waiting_for and waits.next_send_at is not None
            # its own account is tried again long before the stand-in may send more
            assert waits.next_send_at == channels.get_account(main_id).breaker_open_until
            sender_limits.change(channels.get_account(spare_id), {"per_day": 7})
        tick_and_work()
        assert len(spare.accepted) == 7
    assert ledger.counters(own) == {"sent": 3} and ledger.counters(campaign_id) == {"sent": 4}


def test_a_stand_in_that_is_away_too_is_waited_for(app: Flask) -> None:
    ports = free_port(), free_port()
    main_id, spare_id = pair({"port": ports[0]}, {"port": ports[1]})
    campaign_id = publish(main_id, 3)
    fail_over()
    with transaction():
        waits, moment = campaigns.get(campaign_id), channels.get_account(spare_id).breaker_open_until
        assert waits.status is CampaignStatus.SENDING and waits.waiting_for.startswith("Spare does not answer")
        assert waits.next_send_at == moment
    with Server(port=ports[1]) as spare:
        forward(31)
        tick_and_work(4)
        assert len(spare.accepted) == 3
    assert ways(campaign_id) == {spare_id: 3} and ledger.counters(campaign_id) == {"sent": 3}


def stood_in(campaign_id: int) -> None:
    """The account of a campaign is stood in for, and its next probe is due."""
    with transaction():
        main = campaigns.get(campaign_id).smtp_account
        assert main is not None
        main.breaker_open_until, main.breaker_open_seconds = db_now() - timedelta(seconds=1), 60
        main.stood_in_since = db_now()


def test_one_worker_of_several_tries_the_account_while_the_others_send(app: Flask) -> None:
    main_id, spare_id = pair({"host": "smtp.example.org"}, {"host": "smtp.postmarkapp.com"})
    campaign_id = ledger.sending_campaign(3, sender=account(main_id))
    stood_in(campaign_id)
    with transaction():
        found = [ready for _ in range(4) if (ready := slices.begin(campaign_id, "job")) is not None]
    took = [(ready.sender, ready.order.is_probe) for ready in found]
    assert took == [(f"smtp:{main_id}", True)] + [(f"smtp:{spare_id}", False)] * 3
    with transaction():
        person = factories.contact(email="ada@people.example")
        values = values_of(person, ("ada@people.example", None, None, None))
    own, other = (ready.order.writer.write(0, "ada@people.example", 1, values) for ready in found[:2])
    assert isinstance(own, Outgoing) and isinstance(other, Outgoing)
    # what that provider needs to name a message in its reports stands before the same message
    mark, _, rest = other.content.partition(b"\r\n")
    assert mark.startswith(POSTMARK_HEADER) and other.mail_from == own.mail_from
    assert DATE.sub(b"", rest) == DATE.sub(b"", own.content)


def test_a_probe_that_finds_nobody_due_leaves_the_try_to_the_next_slice(app: Flask) -> None:
    with Server() as main:
        main_id, _ = pair({"port": main.port}, {"port": free_port()})
        campaign_id = ledger.sending_campaign(3, sender=account(main_id))
        order = ledger.order_of(campaign_id)
        taken = ledger.take(order)  # all of them are in another worker's hands
        assert isinstance(taken, Claim)
        stood_in(campaign_id)
        jobs.send_slice(campaign_id, 0, 0)
        opens, seconds = account(main_id).breaker_open_until, account(main_id).breaker_open_seconds
        assert opens is not None and opens <= db_now() and seconds == 60 and main.accepted == []
        ledger.keep(order, taken, lambda _seq: SendResult(Outcome.NOT_TRANSMITTED))
        jobs.send_slice(campaign_id, 0, 0)
        assert len(main.accepted) == 3 and account(main_id).stood_in_since is None


@pytest.mark.parametrize("answer", ["550 5.1.1 No such user", "452 4.2.2 Mailbox full", "550 5.7.1 Unwanted content"])
def test_a_server_that_says_no_to_the_recipients_of_a_probe_is_well(app: Flask, answer: str) -> None:
    with Server(Script(rules=[at("RCPT", answer)])) as main:
        main_id, _ = pair({"port": main.port}, {"port": free_port()})
        campaign_id = ledger.sending_campaign(3, sender=account(main_id))
        stood_in(campaign_id)
        jobs.send_slice(campaign_id, 0, 0)
    well = account(main_id)
    assert (well.breaker_open_until, well.breaker_open_seconds, well.stood_in_since) == (None, 0, None)


def test_a_server_that_says_not_now_to_everybody_is_tried_again_later(app: Flask) -> None:
    with Server(Script(rules=[at("RCPT", "451 4.3.0 Local problem")])) as main:
        main_id, _ = pair({"port": main.port}, {"port": free_port()})
        campaign_id = ledger.sending_campaign(3, sender=account(main_id))
        stood_in(campaign_id)
        jobs.send_slice(campaign_id, 0, 0)
    ill = account(main_id)
    assert ill.breaker_open_until is not None and ill.breaker_open_until > db_now() + timedelta(seconds=50)
    assert ill.stood_in_since is not None


def test_a_probe_that_a_person_stops_leaves_the_try_to_the_next_slice(app: Flask) -> None:
    main_id, _ = pair({}, {})
    campaign_id = ledger.sending_campaign(2, sender=account(main_id))
    stood_in(campaign_id)
    with transaction():
        ready = slices.begin(campaign_id, "job")
    assert ready is not None and ready.order.is_probe
    feed = BatchFeed(ready.order)
    taken = feed.take()
    assert isinstance(taken, Outgoing)
    with transaction():
        campaigns.stop(campaign_id, "me")
    feed.report(taken.ref, SendResult(Outcome.NOT_TRANSMITTED))  # as the transport does with what may not leave
    feed.close()
    with transaction():
        slices.end(ready, feed, RunReport(0), 0, 0)
    opens = account(main_id).breaker_open_until
    assert opens is not None and opens <= db_now()


def test_a_probe_for_which_no_lane_is_free_leaves_the_try_to_the_next_slice(app: Flask) -> None:
    main_id, _ = pair({}, {})
    campaign_id = ledger.sending_campaign(2, sender=account(main_id))
    with transaction():
        held = [slices.begin(campaign_id, "job") for _ in range(4)]
    assert None not in held
    stood_in(campaign_id)
    with transaction():
        assert slices.begin(campaign_id, "job") is None
    opens = account(main_id).breaker_open_until
    assert opens is not None and opens <= db_now()


@pytest.mark.parametrize("fault", [Fault.SENDER, Fault.PROVIDER])
def test_what_an_account_was_before_a_person_saved_it_is_not_held_against_it(app: Flask, fault: Fault) -> None:
    main_id, _ = pair({}, {})
    campaign_id = ledger.sending_campaign(2, sender=account(main_id))
    with transaction():
        ready = slices.begin(campaign_id, "job")
    assert ready is not None
    feed = BatchFeed(ready.order)
    with transaction():  # a person enters the right password while the wrong one is being tried
        channels.prepare_account(channels.get_account(main_id), "right")
    with transaction():
        slices.end(ready, feed, RunReport(0, fault, "535", "no"), 0, 0)
    mended = account(main_id)
    assert (mended.paused_reason, mended.breaker_open_until, mended.stood_in_since) == (None, None, None)
    with transaction():
        goes_on = campaigns.get(campaign_id)
        assert (goes_on.status, goes_on.next_send_at) == (CampaignStatus.SENDING, None)


def test_who_waits_for_a_domain_of_the_one_account_is_looked_at_again_for_the_other(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover, "ROWS_PER_STEP", 2)
    port = free_port()
    paces = {"people.example": 1}
    with Server() as spare:
        with Server(port=port) as main:
            main_id, spare_id = pair({"port": port, "domain_paces": paces}, {"port": spare.port})
            campaign_id = publish(main_id, 5)
            tick_and_work()
            assert len(main.accepted) == 1  # the others wait some minutes each
        with transaction():  # the server of the account is away, and its probe failed
            main_account = channels.get_account(main_id)
            main_account.breaker_open_until = db_now() + timedelta(minutes=15)
            main_account.breaker_open_seconds = 900
            assert failover.begin(main_account, "no answer")
        tick_and_work(4)
        assert len(spare.accepted) == 4
    assert ways(campaign_id) == {main_id: 1, spare_id: 4} and status(campaign_id) is CampaignStatus.FINISHED


def well(account: SmtpAccount) -> None:
    account.breaker_open_until = None
    failover.recovered(account)


def saved(account: SmtpAccount) -> None:
    channels.prepare_account(account)
    sender_limits.follow(account)


@pytest.mark.parametrize("mend", [well, saved])
def test_who_waits_for_a_domain_of_the_stand_in_goes_when_the_account_is_well_again(
    app: Flask, mend: Callable[[SmtpAccount], None]
) -> None:
    with Server() as main, Server() as spare:
        main_id, spare_id = pair({"port": main.port}, {"port": spare.port, "domain_paces": {"people.example": 1}})
        campaign_id = publish(main_id, 4)
        with transaction():
            main_account = channels.get_account(main_id)
            main_account.breaker_open_until = db_now() + timedelta(minutes=15)
            assert failover.begin(main_account, "no answer")
        tick_and_work()
        assert (len(spare.accepted), len(main.accepted)) == (1, 0)
        with transaction():
            mend(channels.get_account(main_id))
        tick_and_work(4)
        assert len(main.accepted) == 3
    assert ways(campaign_id) == {main_id: 3, spare_id: 1} and status(campaign_id) is CampaignStatus.FINISHED


def test_only_an_account_of_the_same_domain_stands_in(app: Flask) -> None:
    with transaction():
        spare, other = factories.account(), factories.account(from_email="news@else.example")
        main = factories.account(stand_in_id=spare.id)
        for wrong in (other.id, main.id, 9999):
            main.stand_in_id = wrong
            with pytest.raises(InvalidInput) as refused:
                channels.prepare_account(main)
            assert refused.value.field == "stand_in_id"
        main.stand_in_id, spare.from_email = spare.id, "news@else.example"
        with pytest.raises(InvalidInput, match=main.name) as refused:
            channels.prepare_account(spare)
        assert refused.value.field == "from_email"


def test_a_stand_in_of_a_stand_in_is_not_used(app: Flask) -> None:
    with transaction():
        third = factories.account()
        second = factories.account(stand_in_id=third.id)
        first = factories.account(stand_in_id=second.id)
        first.paused_reason = second.paused_reason = "535 no"
        assert stand_ins.ways(first) == [] and stand_ins.ways(second) == [third]
        second.is_enabled = False  # by a person, who wants nothing sent
        assert stand_ins.ways(second) == []


def test_what_a_refused_account_had_sent_before_does_not_end_it(app: Flask) -> None:
    main_id, _ = pair({}, {})
    with transaction():
        main = channels.get_account(main_id)
        main.paused_reason = "535 no"
        assert failover.begin(main, "535 no")
        failover.recovered(main)  # another lane of it ended well after that
        assert main.stood_in_since is not None
        main.paused_reason = None
        failover.recovered(main)
        assert main.stood_in_since is None

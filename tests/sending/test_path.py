"""Campaigns over the whole way: real queue, real worker, real SMTP dialogue, the scheduler's own ticks."""

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from flask import Flask
from rq import SimpleWorker
from sqlalchemy import func, select

from app.audience.models import SuppressionSource
from app.audience.suppressions import suppress
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, Removal
from app.channels import service as channels
from app.channels.contract import Channel, Reason
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel import queues
from app.kernel.db import db_now, transaction
from app.kernel.queues import QueueName, SafeJob
from app.sending import deliver, removals, retries, service
from app.sending.models import CampaignRecipient, SendBatch
from jobs import sending as jobs
from tests import factories
from tests.providers.script import Do, Script, at
from tests.providers.servers import Server
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("true_counters")


def work() -> None:
    """Do all jobs that wait, as a worker does."""
    names = [queues.queue(name) for name in QueueName]
    SimpleWorker(names, connection=queues.redis(), serializer="json", job_class=SafeJob).work(
        burst=True, logging_level="WARNING"
    )


def publish(port: int, people: int, **values: object) -> int:
    """A published campaign to a server at this port."""
    with transaction():
        account = values.pop("account", {})
        sender = factories.account(port=port, max_connections=4, **account)  # type: ignore[arg-type]
        return factories.live_campaign(people, sender=sender, **values).id


def tick_and_work(times: int = 3) -> None:
    """Some ticks of the scheduler with a worker behind it."""
    for _ in range(times):
        work()
        jobs.look_at_campaigns()


def status(campaign_id: int) -> CampaignStatus:
    with transaction():
        return campaigns.get(campaign_id).status


def forward(seconds: float) -> None:
    """Let the waits of all batches, recipients and breakers be over, as if so much time had gone by."""
    past = timedelta(seconds=seconds)
    with transaction():
        for batch in db.session.scalars(select(SendBatch)):
            batch.not_before -= past
        for row in db.session.scalars(select(CampaignRecipient).where(CampaignRecipient.not_before.is_not(None))):
            row.not_before -= past
        for account in db.session.scalars(select(SmtpAccount).where(SmtpAccount.breaker_open_until.is_not(None))):
            account.breaker_open_until -= past
        for campaign_id in db.session.scalars(select(Campaign.id)):
            campaigns.get(campaign_id).next_send_at = None


def test_a_campaign_reaches_everybody_once_and_is_finished(app: Flask) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 30)
        tick_and_work()
        assert status(campaign_id) is CampaignStatus.FINISHED
        assert len({mail.recipient for mail in server.accepted}) == len(server.accepted) == 30
    assert ledger.counters(campaign_id) == {"sent": 30}
    assert list(ledger.folder().glob("*.*.*")) == []


def test_the_message_is_personal_and_carries_its_unsubscribe_headers(app: Flask) -> None:
    with Server() as server:
        publish(server.port, 1)
        tick_and_work()
        mail = message_from_bytes(server.accepted[0].content, policy=policy.default)
    text = mail.get_body(("plain",)).get_content()
    assert mail["Subject"].startswith("News for Person") and "Dear Person" in text
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/u/" in mail["List-Unsubscribe"] and mail["To"] == server.accepted[0].recipient.strip("<>")


def test_temporary_refusals_are_tried_again_and_refusals_fail(app: Flask) -> None:
    refused: set[int] = set()

    def rule(moment: object) -> str | None:
        if moment.stage != "RCPT":  # type: ignore[attr-defined]
            return None
        number = moment.message  # type: ignore[attr-defined]
        if number <= 4:
            refused.add(number)
            return "451 4.3.0 try later"
        return "550 5.7.9 not you" if number in (5, 6) else None

    with Server(Script(rules=[rule])) as server:
        campaign_id = publish(server.port, 20)
        tick_and_work()
        assert ledger.counters(campaign_id) == {"awaiting": 4, "failed": 2, "sent": 14}
        with transaction():
            assert "try again" in campaigns.get(campaign_id).waiting_for
        forward(3600)
        tick_and_work()
        assert ledger.counters(campaign_id) == {"failed": 2, "sent": 18}
        assert status(campaign_id) is CampaignStatus.FINISHED


def test_lost_answers_are_unconfirmed_and_not_sent_again(app: Flask) -> None:
    with Server(Script(rules=[at("END", Do.RESET, message={3, 7})])) as server:
        campaign_id = publish(server.port, 12)
        tick_and_work()
        forward(3600)
        tick_and_work()
        assert len(server.accepted) == 12
    assert ledger.counters(campaign_id) == {"sent": 10, "unconfirmed": 2}
    assert status(campaign_id) is CampaignStatus.FINISHED


def test_a_refused_sign_in_pauses_the_account_and_burns_nobody(app: Flask) -> None:
    script = Script(auth="PLAIN LOGIN", secret="right")
    with Server(script) as server:
        with transaction():
            sender = factories.account("wrong", port=server.port, username="user")
            campaign_id = factories.live_campaign(5, sender=sender).id
            sender_id = sender.id
        tick_and_work()
        assert ledger.counters(campaign_id) == {"awaiting": 5}
        with transaction():
            failed, account = campaigns.get(campaign_id), channels.get_account(sender_id)
            assert failed.status is CampaignStatus.FAILED and account.paused_reason
            assert account.name in failed.status_detail
            channels.prepare_account(account, "right")
        with transaction():
            campaigns.start(campaign_id, "me")
        tick_and_work()
        assert ledger.counters(campaign_id) == {"sent": 5}


def test_a_server_that_is_away_opens_the_breaker_and_costs_no_attempts(app: Flask) -> None:
    with Server() as server:
        port = server.port
    campaign_id = publish(port, 5)
    tick_and_work()
    with transaction():
        waiting = campaigns.get(campaign_id)
        assert waiting.status is CampaignStatus.SENDING and "does not answer" in waiting.waiting_for
        account = db.session.scalars(select(SmtpAccount)).one()
        assert account.breaker_open_until is not None and account.breaker_open_until > db_now()
    assert ledger.counters(campaign_id) == {"awaiting": 5}
    assert {ledger.row(campaign_id, seq).attempt for seq in range(1, 6)} == {0}
    with Server(port=port) as server:
        forward(3600)
        tick_and_work(4)
        assert len(server.accepted) == 5
    with transaction():
        assert db.session.scalars(select(SmtpAccount)).one().breaker_open_until is None
    assert ledger.counters(campaign_id) == {"sent": 5}


def during(monkeypatch: pytest.MonkeyPatch, act: Callable[[int], None]) -> None:
    """Call act with the number of messages handed over so far, before each hand-over; stop marks are read each time."""
    monkeypatch.setattr(deliver, "STOP_CHECK_SECONDS", 0.0)
    original, count = deliver.BatchFeed.hand_over, [0]

    def hand_over(feed: deliver.BatchFeed, ref: int) -> bool:
        act(count[0])
        count[0] += 1
        feed.tick()
        return original(feed, ref)

    monkeypatch.setattr(deliver.BatchFeed, "hand_over", hand_over)


def test_stop_in_the_middle_stops_and_start_goes_on_where_it_was(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 20)

        def stop(handed: int) -> None:
            if handed == 5:
                with transaction():
                    campaigns.stop(campaign_id, "me")

        with monkeypatch.context() as patched:
            during(patched, stop)
            tick_and_work()
        assert len(server.accepted) == 5
        assert ledger.counters(campaign_id) == {"awaiting": 15, "sent": 5}
        with transaction():
            campaigns.start(campaign_id, "me")
        tick_and_work()
        assert len({mail.recipient for mail in server.accepted}) == len(server.accepted) == 20


def test_who_opts_out_while_the_batch_is_on_its_way_gets_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 20)

        def opt_out(handed: int) -> None:
            if handed == 3:
                with transaction():
                    row = db.session.get_one(CampaignRecipient, (campaign_id, 18))
                    suppress(Channel.EMAIL, row.address_index, SuppressionSource.UNSUBSCRIBED)

        during(monkeypatch, opt_out)
        tick_and_work()
        assert len(server.accepted) == 19
    assert ledger.row(campaign_id, 18).reason is Reason.SUPPRESSED
    assert status(campaign_id) is CampaignStatus.FINISHED


def test_an_account_per_second_limit_spreads_the_messages(app: Flask) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 12, account={"per_second": 8})
        tick_and_work(4)
        assert len(server.accepted) == 12
    with transaction():
        # of all: on a busy machine somebody whose slot has passed goes back and is sent to after the others
        sent = select(func.min(CampaignRecipient.sending_at), func.max(CampaignRecipient.done_at))
        first, last = db.session.execute(sent).one()
        assert (last - first).total_seconds() > 11 * 1.1 / 8
    assert status(campaign_id) is CampaignStatus.FINISHED


def test_a_worker_that_cannot_write_its_journal_sends_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    with Server() as server:
        campaign_id = publish(server.port, 3)
        with monkeypatch.context() as patched:
            patched.setattr(deliver, "Journal", full)
            tick_and_work()
        assert server.accepted == []
        with transaction():
            assert "No space left" in campaigns.get(campaign_id).waiting_for
        assert ledger.counters(campaign_id) == {"awaiting": 3}


def test_a_test_message_reaches_its_reader_and_changes_no_row(app: Flask) -> None:
    with Server() as server:
        with transaction():
            campaign_id = factories.ready_campaign(1, sender=factories.account(port=server.port)).id
        report = service.send_test(campaign_id, "Me@People.example")
        assert report.result.outcome == "accepted"
        mail = message_from_bytes(server.accepted[0].content, policy=policy.default)
    assert mail["To"] == "me@people.example" and "/c/" not in mail.get_body(("html",)).get_content()
    assert ledger.states(campaign_id) == {}


def test_people_are_not_sent_to_twice_when_the_same_jobs_run_again(app: Flask) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 10)
        tick_and_work()
        for _ in range(2):
            jobs.settle_campaign(campaign_id)
            jobs.send_slice(campaign_id, 0, 0)
        assert len(server.accepted) == 10


def test_an_edit_while_paused_makes_a_new_version_and_rows_say_which_they_got(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 10)

        def stop(handed: int) -> None:
            if handed == 4:
                with transaction():
                    campaigns.stop(campaign_id, "me")

        with monkeypatch.context() as patched:
            during(patched, stop)
            tick_and_work()
        with transaction():
            paused = campaigns.get(campaign_id)
            paused.subject = "Corrected"
            campaigns.prepare_change(paused, "me")
        with transaction():
            campaigns.start(campaign_id, "me")
        tick_and_work()
        subjects = [message_from_bytes(mail.content, policy=policy.default)["Subject"] for mail in server.accepted]
    assert subjects.count("Corrected") == 6
    with transaction():
        versions = db.session.scalars(select(CampaignRecipient.content_version)).all()
    assert sorted(versions) == [1] * 4 + [2] * 6


def test_results_reach_the_ledger_while_the_campaign_is_still_on_its_way(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def look(handed: int) -> None:
        if handed == 90:
            seen.append(ledger.counters(campaign_id).get("sent", 0))

    with Server() as server:
        campaign_id = publish(server.port, 100)
        during(monkeypatch, look)
        tick_and_work()
    assert seen and 50 <= seen[0] <= 90


def test_who_was_refused_is_sent_to_again_when_a_person_asks(app: Flask) -> None:
    rules = [at("RCPT", "550 5.3.0 not now", message={3, 7})]
    with Server(Script(rules=rules)) as server:
        campaign_id = publish(server.port, 12)
        tick_and_work()
        assert ledger.counters(campaign_id) == {"failed": 2, "sent": 10}
        assert status(campaign_id) is CampaignStatus.FINISHED
        with transaction():
            retries.start(campaign_id, Reason.REJECTED, "me")
        rules.clear()  # the server has thought better of it
        tick_and_work(4)
        assert len({mail.recipient for mail in server.accepted}) == len(server.accepted) == 12
    assert ledger.counters(campaign_id) == {"sent": 12}
    assert status(campaign_id) is CampaignStatus.FINISHED


def test_who_was_removed_and_put_back_gets_one_message(app: Flask) -> None:
    with Server() as server:
        with transaction():
            people = factories.folder()
            contact_id = factories.contacts(3, people)[1].id
            made = factories.campaign(people, sender=factories.account(port=server.port))
            campaign_id = made.id
            removals.remove(campaign_id, contact_id, "me")
            campaigns.publish(campaign_id, "me")
        tick_and_work()
        assert len(server.accepted) == 2 and status(campaign_id) is CampaignStatus.FINISHED
        with transaction():
            entry = db.session.scalars(select(Removal)).one()
            removals.restore(entry.id, "me")
        tick_and_work()
        assert len({mail.recipient for mail in server.accepted}) == len(server.accepted) == 3
    assert ledger.counters(campaign_id) == {"sent": 3}

"""The demo's notifications go the whole way: a worker, the push service of the demo, the ledger."""

import http.client

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.audience.push_models import PushDevice
from app.campaigns.models import Campaign
from app.channels import web_push
from app.extensions import db
from app.kernel.db import in_transaction, transaction
from app.providers import push_catcher
from demo import notifications
from tests import factories
from tests.conftest import free_port
from tests.sending import ledger
from tests.sending.test_path import tick_and_work


def devices() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(PushDevice)) or 0


def test_the_campaign_of_the_demo_has_results_of_its_own(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setitem(app.config, "PUSH_SERVICES", (f"http://127.0.0.1:{port}",))
    with transaction():
        factories.contacts(15, factories.folder(notifications.FOLDER))
    in_transaction(web_push.ensure)
    with push_catcher.catching(port):
        notifications.set_up(port)
        assert devices() == 16  # of 12 people, four of whom have two
        notifications.set_up(port)  # once is enough
        tick_and_work()
    campaign_id = db.session.scalars(select(Campaign.id)).one()
    assert ledger.states(campaign_id) == {"sent": 10, "failed": 2, "skipped": 3}
    assert devices() == 14


def test_what_is_no_notification_is_refused_and_the_connection_closed() -> None:
    port = free_port()
    with push_catcher.catching(port):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        for body, status in ((b"x" * 100, 201), (b"x" * 5000, 201), (b"x" * 6000, 413)):
            client.request("POST", "/1/0", body)
            answer = client.getresponse()
            assert (answer.status, answer.read()) == (status, b"")
        assert answer.getheader("Connection") == "close"
        client.close()

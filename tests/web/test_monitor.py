"""Operations for administrators: our page of queues and workers, and the RQ dashboard, changed from our pages only."""

import os
import re
from typing import Any

import pytest
from flask import Flask

from app.kernel import leases, processes
from app.kernel.db import transaction
from app.kernel.queues import JobName, QueueName, connect, queue
from tests.web.conftest import Browser

OURS = {"Origin": "http://localhost"}


@pytest.fixture()
def job_id(panel: Flask) -> str:
    return str(queue(QueueName.DEFAULT).enqueue(JobName.SETTLE_CAMPAIGN.value, args=(1,), job_id="settle-1-1").id)


def test_the_administrator_sees_queues_jobs_and_workers(admin: Browser, job_id: str) -> None:
    assert admin.get("/operations/rq/").headers["Location"] == "/rq/"
    names = [each["name"] for each in admin.get("/rq/0/data/queues.json").get_json()["queues"]]
    assert "default" in names
    jobs = admin.get("/rq/0/data/jobs/default/queued/8/asc/1.json").get_json()["jobs"]
    assert [each["id"] for each in jobs] == [job_id]
    assert "jobs.sending.settle_campaign" in admin.get(f"/rq/0/data/job/{job_id}.json").get_json()["description"]
    for page in ("/rq/", "/rq/0/view/workers", "/rq/0/view/jobs", f"/rq/0/view/job/{job_id}"):
        answer = admin.get(page)
        assert answer.status_code == 200, page
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("method", "headers"),
    [("get", {}), ("post", {}), ("post", {"Origin": "https://evil.example"}), ("post", {"Origin": "null"})],
)
def test_nothing_changes_from_elsewhere(admin: Browser, job_id: str, method: str, headers: dict[str, str]) -> None:
    for path in ("/rq/queue/default/queued/empty", f"/rq/job/{job_id}/delete", "/rq/requeue/default"):
        assert getattr(admin, method)(path, headers=headers).status_code in (403, 405), path
    assert queue(QueueName.DEFAULT).job_ids == [job_id]


def test_the_administrator_changes_from_our_page(admin: Browser, job_id: str) -> None:
    assert admin.post(f"/rq/job/{job_id}/delete", headers=OURS).status_code == 200
    assert queue(QueueName.DEFAULT).job_ids == []


def test_the_page_of_queues_counts_what_waits_and_says_what_is_missing(admin: Browser, job_id: str) -> None:
    for path in ("/operations/queues/", "/operations/queues/state"):
        page = admin.get(path).text
        row = page.partition('id="queue-default"')[2].partition("</tr>")[0]
        assert re.search(r'data-label="Waiting jobs">1<', row)
        assert "No worker takes jobs from: paced, send, default, bulk." in page
        assert "python -m jobs.worker" in page
        assert "No scheduler leads" in page


def test_the_page_of_queues_names_the_scheduler_that_leads(admin: Browser) -> None:
    with transaction():
        leases.acquire(leases.SCHEDULER, processes.me(), 30)
    page = admin.get("/operations/queues/").text
    assert f"Process {os.getpid()} leads" in page
    assert "No scheduler leads" not in page


def test_without_redis_the_page_of_queues_says_so(
    panel: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(panel.extensions, "muster_redis", connect("redis://127.0.0.1:1/0"))
    answer = admin.get("/operations/queues/state")
    assert answer.status_code == 200
    assert "Redis does not answer." in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/operations/queues/",
        "/operations/queues/state",
        "/rq/",
        "/rq/0/data/queues.json",
        "/rq/99/",
        "/rq/static/css/main.css",
    ],
)
def test_others_see_nothing(manager: Browser, path: str) -> None:
    assert manager.get(path).status_code == 403


def test_others_change_nothing(manager: Browser, job_id: str) -> None:
    answer: Any = manager.post(f"/rq/job/{job_id}/delete", headers=OURS)
    assert answer.status_code == 403
    assert queue(QueueName.DEFAULT).job_ids == [job_id]

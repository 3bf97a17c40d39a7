"""The RQ dashboard: for administrators, read by GET, changed by POST from our own pages only."""

from typing import Any

import pytest
from flask import Flask

from app.kernel.queues import JobName, QueueName, queue
from tests.web.conftest import Browser

OURS = {"Origin": "http://localhost"}


@pytest.fixture()
def job_id(panel: Flask) -> str:
    return str(queue(QueueName.DEFAULT).enqueue(JobName.SETTLE_CAMPAIGN.value, args=(1,), job_id="settle-1-1").id)


def test_the_administrator_sees_queues_jobs_and_workers(admin: Browser, job_id: str) -> None:
    assert admin.get("/operations/queues/").headers["Location"] == "/rq/"
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


@pytest.mark.parametrize("path", ["/rq/", "/rq/0/data/queues.json", "/rq/99/", "/rq/static/css/main.css"])
def test_others_see_nothing(manager: Browser, path: str) -> None:
    assert manager.get(path).status_code == 403


def test_others_change_nothing(manager: Browser, job_id: str) -> None:
    answer: Any = manager.post(f"/rq/job/{job_id}/delete", headers=OURS)
    assert answer.status_code == 403
    assert queue(QueueName.DEFAULT).job_ids == [job_id]

"""The list of all documents, their files, and what the history says of them."""

from io import BytesIO

import pytest
from sqlalchemy import select

from app.campaigns import service
from app.campaigns.models import CampaignDocument
from app.extensions import db
from tests import factories
from tests.web.conftest import Browser


@pytest.fixture()
def documents(panel: object) -> list[int]:
    campaign = factories.ready_campaign(name="Spring sale")
    db.session.flush()
    names = ("offer.pdf", "gone.pdf")
    made = [service.attach(campaign.id, name, "application/pdf", b"%PDF-1.7").id for name in names]
    service.detach(made[1])
    db.session.commit()
    return [campaign.id, *made]


def test_documents_of_all_campaigns_are_listed_without_those_taken_off(manager: Browser, documents: list[int]) -> None:
    text = manager.get("/documents/list/").text
    assert "offer.pdf" in text and "gone.pdf" not in text
    assert f'href="/campaigns/show/{documents[0]}">Spring sale</a>' in text and "1 KB" in text
    assert f'href="/documents/{documents[1]}/file" download' in text


def test_a_document_is_a_download_whatever_it_is(analyst: Browser, documents: list[int]) -> None:
    answer = analyst.get(f"/documents/{documents[1]}/file")
    assert answer.data == b"%PDF-1.7"
    assert answer.headers["Content-Disposition"] == "attachment; filename=offer.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_document_that_was_taken_off_is_not_there(manager: Browser, documents: list[int]) -> None:
    for number in (documents[2], 7777, 2**31):
        assert manager.get(f"/documents/{number}/file").status_code == 404


def test_the_campaign_says_which_files_came_and_went(manager: Browser, documents: list[int]) -> None:
    text = manager.get(f"/campaigns/show/{documents[0]}").text
    assert text.count("Document attached") == 2 and text.count("Document taken off") == 1
    assert "gone.pdf" in text


def attach(browser: Browser, campaign_id: object, *files: tuple[bytes, str]) -> str:
    sent = {"campaign_id": str(campaign_id), "documents": [(BytesIO(data), name) for data, name in files]}
    answer = browser.post("/documents/attach", data=sent, content_type="multipart/form-data", follow_redirects=True)
    return answer.text


def names() -> list[str]:
    db.session.rollback()
    query = select(CampaignDocument.name).where(CampaignDocument.is_removed.is_(False))
    return sorted(db.session.scalars(query))


def test_files_are_attached_without_a_script_all_of_them_or_none(manager: Browser, documents: list[int]) -> None:
    assert "2 files were attached." in attach(manager, documents[0], (b"a", "a.txt"), (b"b", "b.txt"))
    assert names() == ["a.txt", "b.txt", "offer.pdf"]
    assert "Mail servers refuse files like c.exe" in attach(manager, documents[0], (b"d", "d.txt"), (b"c", "c.exe"))
    assert names() == ["a.txt", "b.txt", "offer.pdf"]


@pytest.mark.parametrize("campaign_id", ["", "x", "99999999999", "-1"])
def test_files_without_a_campaign_are_asked_for_one(manager: Browser, documents: list[int], campaign_id: str) -> None:
    assert "Choose a campaign and at least one file." in attach(manager, campaign_id, (b"a", "a.txt"))


def test_a_campaign_that_is_gone_takes_nothing(manager: Browser, documents: list[int]) -> None:
    assert "There is no such campaign." in attach(manager, 7777, (b"a", "a.txt"))


def test_who_may_not_edit_sees_no_place_to_drop_files_and_attaches_nothing(
    analyst: Browser, documents: list[int]
) -> None:
    assert "data-documents" not in analyst.get("/documents/list/").text
    attach(analyst, documents[0], (b"a", "a.txt"))
    assert names() == ["offer.pdf"]


def test_the_form_of_a_campaign_lists_its_documents_with_boxes_for_those_without_a_script(
    manager: Browser, documents: list[int]
) -> None:
    text = manager.get(f"/campaigns/edit/{documents[0]}").text
    assert f'name="removed_documents" value="{documents[1]}"' in text
    assert f'data-address="/api/v1/campaign/{documents[0]}/documents"' in text and 'name="documents"' in text

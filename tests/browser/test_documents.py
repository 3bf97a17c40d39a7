"""Files for a campaign are dropped or chosen, go at once, and each says what became of it."""

import struct
import zlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from app.campaigns.models import CampaignDocument
from app.channels.models import Gateway
from app.extensions import db
from app.kernel.db import transaction
from app.sending import service as sending
from tests import factories
from tests.browser.axe import findings
from tests.browser.conftest import OpenAs
from tests.browser.seed import Seed

DROP = """(zone, names) => {
  const data = new DataTransfer();
  for (const name of names) data.items.add(new File(["some words"], name, { type: "text/plain" }));
  for (const kind of ["dragenter", "dragover", "drop"]) zone.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""  # noqa: E501
CHOOSE = """(select, value) => {
  if (select.tomselect) select.tomselect.setValue(value);
  else { select.value = value; select.dispatchEvent(new Event("change")); }
}"""
NUMBERS = count(1)


def png(width: int, height: int) -> bytes:
    """A picture in one colour (RFC 2083)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = (b"\0" + bytes((214, 92, 122)) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


@pytest.fixture()
def campaign_id(seeded: Seed) -> Iterator[int]:
    with transaction():
        made = factories.campaign(name=f"Spring sale {next(NUMBERS)}").id
    yield made
    with transaction():
        sending.delete_campaign(made)


@pytest.fixture()
def over_whatsapp(seeded: Seed) -> Iterator[int]:
    """A campaign over WhatsApp in words of our own."""
    with transaction():
        sender = factories.whatsapp_gateway(name="Shop on WhatsApp")
        text = "Spring is here: tulips, roses and more."
        made = factories.whatsapp_campaign(sender=sender, name="Spring", text=text, template_values="").id
        sender_id = sender.id
    yield made
    with transaction():
        sending.delete_campaign(made)
        db.session.delete(db.session.get_one(Gateway, sender_id))


@pytest.fixture()
def page(open_as: OpenAs) -> Page:
    """A page of the administrator, on which a file may be refused."""
    opened = open_as()
    opened.watch.forgiven.add(422)  # type: ignore[attr-defined]
    return opened


def files(folder: Path) -> dict[str, Path]:
    found = {
        "offer.pdf": b"%PDF-1.7 " + b"x" * 200_000,
        "setup.exe": b"MZ",
        "empty.txt": b"",
        "film.bin": b"x" * 11_000_000,
    }
    for name, content in found.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in found}


def stored(campaign_id: int) -> list[str]:
    with transaction():
        here = (CampaignDocument.campaign_id == campaign_id, CampaignDocument.is_removed.is_(False))
        return sorted(db.session.scalars(select(CampaignDocument.name).where(*here)))


def test_files_of_a_campaign_are_attached_refused_tried_again_and_taken_off(
    page: Page, campaign_id: int, tmp_path: Path
) -> None:
    made = files(tmp_path)
    page.goto(f"/campaigns/edit/{campaign_id}")
    zone = page.locator("[data-documents]")
    zone.locator("input[type=file]").set_input_files(list(made.values()))
    rows = zone.locator(".document")
    expect(rows).to_have_count(4)
    expect(rows.nth(0).get_by_role("link", name="offer.pdf")).to_be_visible()
    expect(rows.nth(0)).to_contain_text("200 KB")
    expect(rows.nth(1).get_by_role("alert")).to_contain_text("Mail servers refuse files like setup.exe")
    expect(rows.nth(2).get_by_role("alert")).to_contain_text("The file is empty")
    expect(rows.nth(3).get_by_role("alert")).to_contain_text("together may have 10 MB")
    expect(zone.locator(".document-used")).to_contain_text("200 KB of 10 MB used")
    assert stored(campaign_id) == ["offer.pdf"] and findings(page) == []

    for name in ("setup.exe", "empty.txt", "film.bin"):
        zone.get_by_role("button", name=f"Cancel {name}").click()
    page.route("**/documents", lambda route: route.abort(), times=1)
    zone.locator(".drop").evaluate(DROP, ["notes.txt", "plan.txt"])
    lost = rows.filter(has_text="notes.txt")
    expect(lost.get_by_role("alert")).to_contain_text("The connection was lost")
    expect(rows.filter(has_text="plan.txt").get_by_role("link")).to_be_visible()
    lost.get_by_role("button", name="Try again").click()
    expect(lost.get_by_role("link")).to_be_visible()
    assert stored(campaign_id) == ["notes.txt", "offer.pdf", "plan.txt"]

    zone.get_by_role("button", name="Take off plan.txt").click()
    page.locator("#modal-confirm").get_by_role("button", name="Take off").click()
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/campaigns/list/")
    assert stored(campaign_id) == ["notes.txt", "offer.pdf"]


def test_which_file_whatsapp_shows_follows_what_is_attached_and_taken_off(
    page: Page, over_whatsapp: int, tmp_path: Path
) -> None:
    for name, data in (("first.pdf", b"%PDF-1.7"), ("rose.png", png(400, 300)), ("tulip.png", png(400, 300))):
        (tmp_path / name).write_bytes(data)
    page.goto(f"/campaigns/edit/{over_whatsapp}")
    zone = page.locator("[data-documents]")
    zone.locator("input[type=file]").set_input_files(sorted(tmp_path.iterdir()))
    goes = zone.locator(".document-goes")
    shown, linked = "shown as a picture above the text", "follows the text as a link"
    expect(goes).to_have_text([linked, shown, linked])
    assert findings(page) == []
    zone.get_by_role("button", name="Take off rose.png").click()
    page.locator("#modal-confirm").get_by_role("button", name="Take off").click()
    expect(goes).to_have_text([linked, shown])
    page.reload()
    expect(goes).to_have_text([linked, shown])
    page.goto(f"/campaigns/show/{over_whatsapp}")
    picture = page.get_by_alt_text("The picture above the text")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 400
    assert findings(page) == []


def test_a_file_that_is_on_its_way_shows_its_bar_and_can_be_cancelled(page: Page, campaign_id: int) -> None:
    held: list[Route] = []
    page.route("**/documents", lambda route: held.append(route))
    page.goto(f"/campaigns/edit/{campaign_id}")
    zone = page.locator("[data-documents]")
    zone.locator(".drop").evaluate(DROP, ["first.txt", "second.txt"])
    expect(zone.get_by_role("progressbar", name="first.txt")).to_be_visible()
    zone.get_by_role("button", name="Cancel first.txt").click()
    expect(zone.locator(".document")).to_have_count(1)
    zone.get_by_role("button", name="Cancel second.txt").click()
    expect(zone.locator(".document")).to_have_count(0)
    assert stored(campaign_id) == []


def test_a_new_campaign_holds_its_files_until_it_is_saved(page: Page, campaign_id: int, tmp_path: Path) -> None:
    made = files(tmp_path)
    page.goto("/campaigns/add?channel=email")
    zone = page.locator("[data-documents]")
    zone.locator("input[type=file]").set_input_files([made["offer.pdf"], made["film.bin"]])
    zone.locator(".drop").evaluate(DROP, ["notes.txt"])
    expect(zone.locator(".document")).to_have_count(3)
    expect(zone.locator(".document").nth(1).get_by_role("alert")).to_contain_text("together may have 10 MB")
    held = zone.locator("input[type=file]").evaluate("(input) => [...input.files].map((file) => file.name)")
    assert held == ["offer.pdf", "notes.txt"] and stored(campaign_id) == []


def test_the_page_of_documents_attaches_to_the_campaign_that_is_chosen(page: Page, campaign_id: int) -> None:
    page.goto("/documents/list/")
    zone = page.locator("[data-documents]")
    zone.locator(".drop").evaluate(DROP, ["early.txt"])
    expect(zone.get_by_role("alert")).to_contain_text("Choose the campaign first.")
    page.locator("#attach-campaign").evaluate(CHOOSE, str(campaign_id))
    zone.locator(".drop").evaluate(DROP, ["notes.txt"])
    expect(page.locator("#document-rows")).to_contain_text("notes.txt")
    assert stored(campaign_id) == ["notes.txt"] and findings(page) == []

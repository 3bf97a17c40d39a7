"""The report as an Excel workbook: what is filtered, text that stays text, any number of rows."""

import io
import zipfile
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import select

from app.audience.models import Contact
from app.campaigns import service as campaigns
from app.channels.contract import Reason
from app.extensions import db
from app.kernel.db import transaction
from app.reports import workbook
from app.reports.export import COLUMNS
from app.reports.recipients import RecipientRow
from app.sending import progress
from app.sending.models import CampaignRecipient
from app.sending.selection import RecipientFilter
from app.sending.states import RecipientState, Shown
from tests.sending import ledger

EVERYBODY = RecipientFilter()
NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def cells(data: bytes, sheet: int = 1) -> dict[str, tuple[str, str]]:
    """What stands in which cell of a sheet: (type, value)."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))
    assert not list(tree.iter(f"{NS}f")), "there is a formula"
    return {
        cell.get("r", ""): (cell.get("t", ""), "".join(cell.itertext()))
        for row in tree.iter(f"{NS}row")
        for cell in row.iter(f"{NS}c")
    }


def made(campaign_id: int, asked: RecipientFilter = EVERYBODY, with_addresses: bool = True) -> bytes:
    told: list[int] = []

    def words(row: RecipientRow) -> tuple[str, str, str]:
        return row.shown, row.reason or "", row.detail

    book = b"".join(workbook.xlsx_of(campaign_id, asked, with_addresses, words, told.append))
    assert told[-1] in (2, 4)  # the last one that was looked at
    return book


@pytest.fixture()
def campaign_id(app: Flask) -> int:
    campaign_id = ledger.sending_campaign(4)
    with transaction():
        row = db.session.get_one(CampaignRecipient, (campaign_id, 2))
        row.state, row.reason, row.detail = RecipientState.FAILED, Reason.REJECTED, "=cmd|' /C calc'!A0"
        row.sender_id = campaigns.get(campaign_id).smtp_account_id
        row.done_at = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
        progress.move(campaign_id, {RecipientState.AWAITING: -1, RecipientState.FAILED: 1})
        for contact in db.session.scalars(select(Contact)):
            contact.last_name = ""
        db.session.get_one(Contact, row.contact_id).first_name = "@SUM(A1)"
    return campaign_id


def test_it_has_a_head_and_a_row_for_everybody(campaign_id: int) -> None:
    found = cells(made(campaign_id))
    assert [found[f"{letter}1"][1] for letter in "ABCDEFGHIJKLMNO"] == list(COLUMNS)
    assert [found[f"A{row}"] for row in (2, 3, 4, 5)] == [("", "1"), ("", "2"), ("", "3"), ("", "4")]
    assert found["C2"][1].endswith("@people.example")


def test_what_looks_like_a_formula_is_text(campaign_id: int) -> None:
    found = cells(made(campaign_id))
    assert found["B3"] == ("inlineStr", "@SUM(A1)")
    assert found["G3"] == ("inlineStr", "=cmd|' /C calc'!A0")


def test_a_time_is_a_time(campaign_id: int) -> None:
    kind, value = cells(made(campaign_id))["K3"]
    assert kind == "" and float(value) == pytest.approx(46351.3958333)


def test_it_says_over_which_account_a_message_went(campaign_id: int) -> None:
    found = cells(made(campaign_id))
    assert found["I3"] == ("inlineStr", str(campaigns.get(campaign_id).sender)) and "I2" not in found


def test_it_holds_what_the_filter_shows_and_addresses_for_those_who_may(campaign_id: int) -> None:
    found = cells(made(campaign_id, RecipientFilter(shown=Shown.FAILED), with_addresses=False))
    assert found["A2"] == ("", "2") and "A3" not in found
    assert "C2" not in found and "D2" not in found


def test_more_rows_than_a_sheet_has_go_on_on_the_next(campaign_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    data = made(campaign_id)
    assert [cells(data, 1)[f"A{row}"][1] for row in (2, 3)] == ["1", "2"]
    assert [cells(data, 2)[f"A{row}"][1] for row in (1, 2, 3)] == ["number", "3", "4"]

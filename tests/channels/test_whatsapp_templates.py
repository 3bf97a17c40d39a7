"""The templates that are kept: read anew, approved or not, and gone."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.channels import whatsapp_templates
from app.channels.contract import ContentTemplate
from app.channels.models import ApprovalState, WhatsAppTemplate
from app.extensions import db

ACCOUNT, OTHER = f"AC{'0' * 32}", f"AC{'1' * 32}"


def found(sid: str, status: str = "approved", **values: object) -> ContentTemplate:
    usual = {"name": sid, "language": "pl", "category": "UTILITY", "body": "Hi {{1}}", "variables": ("1",)}
    return ContentTemplate(content_sid=sid, status=status, **usual | values)  # type: ignore[arg-type]


def states(account: str = ACCOUNT) -> dict[str, ApprovalState]:
    query = select(WhatsAppTemplate).where(WhatsAppTemplate.account_sid == account)
    return {each.content_sid: each.status for each in db.session.scalars(query)}


def test_what_is_read_anew_is_changed_added_or_gone(app: Flask) -> None:
    assert whatsapp_templates.store(ACCOUNT, [found("HX1"), found("HX2", "pending")]) == 1
    assert whatsapp_templates.store(OTHER, [found("HX9")]) == 1
    ids = set(db.session.scalars(select(WhatsAppTemplate.id)))
    assert whatsapp_templates.store(ACCOUNT, [found("HX2", body="Bye"), found("HX3"), found("HX3")]) == 2
    assert states() == {
        "HX1": ApprovalState.GONE,
        "HX2": ApprovalState.APPROVED,
        "HX3": ApprovalState.APPROVED,
    }
    assert states(OTHER) == {"HX9": ApprovalState.APPROVED}
    assert ids <= set(db.session.scalars(select(WhatsAppTemplate.id)))
    assert [each.content_sid for each in whatsapp_templates.usable()] == ["HX2", "HX3", "HX9"]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("approved", ApprovalState.APPROVED),
        ("Approved", ApprovalState.APPROVED),
        ("received", ApprovalState.PENDING),
        ("pending", ApprovalState.PENDING),
        ("rejected", ApprovalState.REJECTED),
        ("paused", ApprovalState.PAUSED),
        ("disabled", ApprovalState.DISABLED),
        ("unsubmitted", ApprovalState.UNSUBMITTED),
        ("something new", ApprovalState.UNSUBMITTED),
        ("", ApprovalState.UNSUBMITTED),
    ],
)
def test_only_what_is_surely_approved_may_be_sent(app: Flask, said: str, state: ApprovalState) -> None:
    whatsapp_templates.store(ACCOUNT, [found("HX1", said)])
    assert states() == {"HX1": state}

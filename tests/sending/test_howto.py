"""docs/howto/add-a-channel.md is followed word by word: its file and its line carry a campaign."""

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from app.campaigns import service as campaigns
from app.kernel.db import transaction
from tests import factories
from tests.sending import ledger
from tests.sending.test_path import tick_and_work

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "add-a-channel.md"


@pytest.mark.usefixtures("true_counters")
def test_the_provider_of_the_page_carries_a_campaign(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provider, line = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    senders = ast.literal_eval(line.removeprefix("SENDERS = "))
    module = senders["sms"].rpartition(".")[0]
    (tmp_path / f"{module.rpartition('.')[2]}.py").write_text(provider)
    import app.providers as folder

    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    monkeypatch.setitem(app.config, "SENDERS", senders)
    monkeypatch.setitem(app.config, "TWILIO_URL", str(tmp_path / "sent.txt"))
    with transaction():
        people = factories.folder()
        factories.contact(people, first_name="Ewa", phone="+48501000001")
        factories.contact(people, first_name="Jan", phone="+48501000002")
        made = factories.text_campaign(people, text="Hi {{ first_name }}")
        campaign_id = campaigns.publish(made.id, factories.BY).id
    tick_and_work()
    assert ledger.states(campaign_id) == {"sent": 2}
    assert sorted((tmp_path / "sent.txt").read_text().splitlines()) == ["+48501000001 Hi Ewa", "+48501000002 Hi Jan"]

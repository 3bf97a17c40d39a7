"""The table of states, complete: every state with every event."""

import pytest

from app.campaigns.lifecycle import EDITABLE, LIVE, MOVES, OVER, CampaignEvent, CampaignStatus, next_status
from app.kernel.errors import Conflict

# A line per state as delivery.md has them; "-" is refused.
TABLE = """
          publish   begin   wait      stop   unpublish start     expire  extend    finish   fail   run       end
draft     scheduled -       -         -      -         -         -       -         -        -      -         ended
scheduled -         sending -         paused paused    -         expired -         finished -      scheduled ended
sending   -         -       scheduled paused paused    -         expired -         finished failed sending   ended
paused    scheduled -       -         -      paused    scheduled expired -         -        -      paused    ended
expired   -         -       -         -      -         -         -       scheduled -        -      -         ended
failed    scheduled -       -         -      -         scheduled -       -         -        -      -         ended
finished  -         -       -         -      -         -         -       -         -        -      scheduled -
ended     -         -       -         -      -         -         -       -         -        -      -         -
"""
HEAD, *LINES = [line.split() for line in TABLE.strip().splitlines()]
CASES = [(line[0], event, to) for line in LINES for event, to in zip(HEAD, line[1:], strict=True)]


def test_the_table_names_every_state_and_every_event() -> None:
    assert [line[0] for line in LINES] == list(CampaignStatus)
    assert sorted(HEAD) == sorted(CampaignEvent)
    assert len(MOVES) == sum(to != "-" for *_, to in CASES)


@pytest.mark.parametrize(("status", "event", "to"), CASES, ids=[f"{status} {event}" for status, event, _ in CASES])
def test_a_move(status: str, event: str, to: str) -> None:
    if to == "-":
        with pytest.raises(Conflict, match=f"that is {status} cannot {event}"):
            next_status(CampaignStatus(status), CampaignEvent(event))
    else:
        assert next_status(CampaignStatus(status), CampaignEvent(event)) == to


def test_the_named_sets_agree_with_the_table() -> None:
    may_begin_or_send = {CampaignStatus.SCHEDULED, CampaignStatus.SENDING}
    assert may_begin_or_send == LIVE
    assert {CampaignStatus.FINISHED, CampaignStatus.ENDED} == OVER
    assert set(CampaignStatus) - OVER - {CampaignStatus.SENDING} == EDITABLE
    assert not [status for status in CampaignStatus if (CampaignStatus.ENDED, status) in MOVES]

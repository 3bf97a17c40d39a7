"""What replies mean: whole words decide, words inside a sentence ask for a person."""

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.audience import reply_words
from app.audience.models import ReplyMeaning
from app.audience.reply_words import USUAL, Rule, folded, meaning_of
from app.extensions import db
from app.kernel.audit import AuditEvent, What
from app.kernel.db import transaction
from app.kernel.errors import InvalidInput

STOP, START, HELP = ReplyMeaning.STOP, ReplyMeaning.START, ReplyMeaning.HELP
UNCLEAR, MESSAGE = ReplyMeaning.UNCLEAR, ReplyMeaning.MESSAGE
RULES = {meaning: Rule(words) for meaning, words in USUAL.items()}

SAID = {
    STOP: (
        *("STOP", "stop", "Stop.", " STOP ", "\tStop!!!\n", "„STOP”", "stop all", "StopAll", "UNSUBSCRIBE", "cancel"),
        *("End", "QUIT", "Arrêt", "ARRET", "Stopp", "wypisz", "WYPISZ MNIE", "Rezygnuję", "REZYGNUJE", "wypisuje sie"),
        *("STOP\u200b", "ＳＴＯＰ", "𝐒𝐓𝐎𝐏", "\u00a0stop\u00a0", "opt-out".replace("-", " ")),
    ),
    START: ("START", "Start!", "unstop", "WZNÓW", "wznow", "Zapisz mnie"),
    HELP: ("HELP", "help?", "info", "POMOC", "pomoc!"),
    UNCLEAR: (
        *("stop please", "please stop texting me", "Stop it", "STOP 🛑", "can you stop?", "please unsubscribe me"),
        *("Proszę mnie wypisać", "wypiszcie mnie", "nie pisz do mnie", "Nie życzę sobie SMS-ów", "przestan!"),
        *("don’t text me", "take me off your list", "leave me alone", "stopping", "I want to quit", "to koniec"),
    ),
    MESSAGE: ("", "   ", "…", "Hi, what does it cost?", "Dzień dobry", "🙂", "bistopia", "x" * 1600, "pending"),
}
CASES = [pytest.param(text, meaning, id=text[:30] or "empty") for meaning, texts in SAID.items() for text in texts]


@pytest.mark.parametrize(("text", "meaning"), CASES)
def test_what_people_write_means(text: str, meaning: ReplyMeaning) -> None:
    assert meaning_of(text, RULES) is meaning


@given(st.sampled_from(USUAL[STOP]), st.text(" \t\n.,!?;:-–—_()\"'„”…", max_size=8), st.randoms())
def test_a_stop_word_is_known_however_it_is_written(word: str, around: str, chance: object) -> None:
    written = "".join(chance.choice((char.upper(), char.lower())) for char in word)  # type: ignore[attr-defined]
    assert meaning_of(around + written + around, RULES) is STOP


@given(st.text(max_size=200))
def test_any_text_means_something_and_folding_it_again_changes_nothing(text: str) -> None:
    assert meaning_of(text, RULES) in ReplyMeaning
    assert folded(folded(text)) == folded(text)


def wanted(**words: str) -> dict[ReplyMeaning, Rule]:
    """The usual rules with some lists replaced, words with commas between them."""
    return RULES | {ReplyMeaning(name): Rule(text.split(",")) for name, text in words.items()}


def test_the_lists_of_the_administrator_hold_from_the_next_reply_on(app: Flask) -> None:
    with transaction():
        reply_words.save(wanted(stop="STOP,Dość !") | {HELP: Rule(["WTF"], "  Call us. ")})
    rules = reply_words.rules()
    assert meaning_of("dosc", rules) is STOP
    assert meaning_of("quit", rules) is MESSAGE
    assert (meaning_of("wtf", rules), rules[HELP].answer) == (HELP, "Call us.")
    assert rules[START] == RULES[START]
    events = db.session.query(AuditEvent).all()
    assert [(event.what, event.detail["meaning"]) for event in events] == [
        (What.REPLY_WORDS, "stop"),
        (What.REPLY_WORDS, "help"),
    ]


@pytest.mark.parametrize(
    ("lists", "field", "why"),
    [
        pytest.param({"stop": "QUIT"}, "stop", "STOP must stay", id="without STOP"),
        pytest.param({"start": "START,Stop."}, "start", "two lists", id="in two lists"),
        pytest.param({"help": "HELP,!!"}, "help", "cannot be used", id="nothing but punctuation"),
        pytest.param({"help": "x" * 41}, "help", "cannot be used", id="too long"),
        pytest.param({"stop": "STOP," + ",".join(f"w{n}" for n in range(100))}, "stop", "at most 100", id="too many"),
    ],
)
def test_a_list_that_cannot_be_is_refused(app: Flask, lists: dict[str, str], field: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as refused:
        reply_words.save(wanted(**lists))
    assert refused.value.field == field


def test_an_answer_must_fit_into_a_text_message(app: Flask) -> None:
    with pytest.raises(InvalidInput) as refused:
        reply_words.save(RULES | {HELP: Rule(["HELP"], "x" * 1601)})
    assert refused.value.field == "help_answer"


def test_a_word_that_stands_twice_is_kept_once(app: Flask) -> None:
    reply_words.save(wanted(help="HELP,help!,  INFO"))
    assert list(reply_words.rules()[HELP].words) == ["HELP", "INFO"]

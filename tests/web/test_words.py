"""Words for what the inner rings name: nothing is left without."""

from enum import StrEnum

import pytest

from app.channels.contract import Reason
from app.web import vocabulary, words


@pytest.mark.parametrize("kind", vocabulary.OF_VALUES, ids=lambda kind: kind.__name__)
def test_every_value_has_words_and_no_two_have_the_same(kind: type[StrEnum], panel: object) -> None:
    said = [words.of(value) for value in kind]
    assert all(said) and len(set(said)) == len(said)


def test_every_reason_is_explained_in_a_sentence(panel: object) -> None:
    assert set(vocabulary.EXPLAINED) == set(Reason)
    assert all(words.explained(reason).endswith(".") for reason in Reason)
    assert words.explained(None) == words.of(None) == ""


@pytest.mark.parametrize("reason", Reason)
def test_a_manager_reads_no_word_of_the_protocol(reason: Reason, panel: object) -> None:
    assert not {"smtputf8", "render", "poison", "reply"} & set(words.of(reason).lower().split())

"""The forms of replies: the number to look for, and the words that mean something."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.audience.models import ReplyMeaning
from app.audience.reply_words import ANSWERED, USUAL, Rule
from app.web.forms.fields import PanelForm, line, lines, text_area

ONE_IN_EACH_LINE = _l("One in each line. Capitals, accents, and spaces and punctuation around them do not count.")
ANSWER = _l("Sent as a text message, once in an hour to a number. Empty: no answer.")


class NumberForm(PanelForm):
    """Whom to look for; posted, so that a number never stands in a link or a log."""

    number = line(_l("Phone number"), _l("The whole number, with its country: +48 600 100 200."), autocomplete="off")


class ReplyWordsForm(PanelForm):
    """A list of words for each meaning, and what is answered."""

    stop = lines(_l("Words that mean Stop"), ONE_IN_EACH_LINE, rows=8)
    stop_answer = text_area(_l("Answer to Stop"), ANSWER, rows=2)
    start = lines(_l("Words that mean Start again"), ONE_IN_EACH_LINE)
    start_answer = text_area(_l("Answer to Start again"), ANSWER, rows=2)
    help = lines(_l("Words that mean Help"), ONE_IN_EACH_LINE)
    help_answer = text_area(_l("Answer to Help"), ANSWER, rows=2)
    unclear = lines(
        _l("Words that need a look"),
        _l("Anywhere in a longer message. The words of Stop are looked for there too."),
        rows=8,
    )

    @classmethod
    def of(cls, rules: dict[ReplyMeaning, Rule]) -> "ReplyWordsForm":
        """The form of these rules."""
        data: dict[str, Any] = {meaning.value: rule.words for meaning, rule in rules.items()}
        return cls(data=data | {f"{meaning}_answer": rules[meaning].answer for meaning in ANSWERED})

    def rules(self) -> dict[ReplyMeaning, Rule]:
        """What was written."""
        return {
            meaning: Rule(
                self[meaning.value].data or [],
                self[f"{meaning}_answer"].data.strip() if meaning in ANSWERED else "",
            )
            for meaning in USUAL
        }

"""What a reply means by its words: the whole of a short one decides, a stop word inside a longer one asks for a person.

Case, accents, and spaces and punctuation at both ends do not count. The lists belong to the administrator.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from app.audience.models import ReplyMeaning, ReplyWords
from app.channels.segments import MAX_UNITS, size_of
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.kernel.errors import InvalidInput
from app.kernel.texts import N_

# What providers take for an opt-out by themselves, and what people write in the languages of Europe
# (https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out).
USUAL: dict[ReplyMeaning, tuple[str, ...]] = {
    ReplyMeaning.STOP: (
        *("STOP", "STOP ALL", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPT OUT", "OPTOUT"),
        *("STOPP", "STOPPEN", "ARRET", "ARRETER", "ABMELDEN", "AFMELDEN", "BAJA", "CANCELAR", "SAIR", "BASTA"),
        *("WYPISZ", "WYPISZ MNIE", "WYPISUJĘ SIĘ", "REZYGNUJĘ", "REZYGNACJA", "ANULUJ", "KONIEC"),
    ),
    ReplyMeaning.START: ("START", "UNSTOP", "SUBSCRIBE", "OPT IN", "OPTIN", "ZAPISZ", "ZAPISZ MNIE", "WZNÓW"),
    ReplyMeaning.HELP: ("HELP", "INFO", "POMOC", "HILFE", "AIDE", "AYUDA"),
    ReplyMeaning.UNCLEAR: (
        *(
            "REMOVE ME",
            "TAKE ME OFF",
            "LEAVE ME ALONE",
            "DO NOT TEXT",
            "DON'T TEXT",
            "DO NOT MESSAGE",
            "DO NOT CONTACT",
        ),
        *("NO MORE MESSAGES", "NO MORE TEXTS", "NOT INTERESTED", "WRONG NUMBER", "SPAM"),
        *("NIE PISZ", "NIE PISZCIE", "NIE WYSYŁAJ", "NIE WYSYŁAJCIE", "NIE CHCĘ", "NIE ŻYCZĘ", "PRZESTAŃ"),
        *("PROSZĘ PRZESTAĆ", "USUŃCIE MNIE", "USUŃ MNIE", "USUNIĘCIE", "ZREZYGNOWAĆ", "WYPISAĆ", "ZŁY NUMER"),
    ),
}
MUST_STAY = "STOP"
MOST_WORDS, LONGEST_WORD = 100, 40
LEAST_STEM = 4  # letters of a stop word that may begin a longer word: "stopping", "wypiszcie"
ANSWERED = (ReplyMeaning.STOP, ReplyMeaning.START, ReplyMeaning.HELP)  # those that may have an answer

_LIKE_NOTHING_ELSE = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "’": "'"})  # letters that no decomposition opens


@dataclass(frozen=True, slots=True)
class Rule:
    """The words of one meaning as people wrote them, and what is answered to them, "" for nothing."""

    words: Sequence[str]
    answer: str = ""


def folded(text: str) -> str:
    """The text as it is compared: small letters without accents, single spaces, no punctuation at its ends."""
    letters = unicodedata.normalize("NFKD", text).casefold()  # 𝐒 is a letter S, which casefold alone does not know
    plain = unicodedata.normalize("NFKD", letters)
    bare = "".join(char for char in plain if not unicodedata.combining(char)).translate(_LIKE_NOTHING_ELSE)
    return " ".join(_without_ends(bare).split())


def _without_ends(text: str) -> str:
    first, last = 0, len(text)
    while first < last and unicodedata.category(text[first])[0] in "PZC":
        first += 1
    while last > first and unicodedata.category(text[last - 1])[0] in "PZC":
        last -= 1
    return text[first:last]


def meaning_of(text: str, rules: Mapping[ReplyMeaning, Rule]) -> ReplyMeaning:
    """What a reply means. Pure."""
    said = folded(text)
    for meaning in ANSWERED:
        if said in map(folded, rules[meaning].words):
            return meaning
    tokens = re.findall(r"[\w']+", said)
    stops = [folded(word) for word in rules[ReplyMeaning.STOP].words]
    looks = [*stops, *map(folded, rules[ReplyMeaning.UNCLEAR].words)]
    padded = f" {' '.join(tokens)} "
    is_near = any(f" {each} " in padded for each in looks) or any(
        token.startswith(each) for each in stops if len(each) >= LEAST_STEM for token in tokens
    )
    return ReplyMeaning.UNCLEAR if is_near else ReplyMeaning.MESSAGE


def rules() -> dict[ReplyMeaning, Rule]:
    """The rule of every meaning that has words."""
    stored = {row.meaning: Rule(row.words, row.answer) for row in db.session.scalars(select(ReplyWords))}
    return {meaning: stored.get(meaning, Rule(words)) for meaning, words in USUAL.items()}


def save(wanted: Mapping[ReplyMeaning, Rule]) -> None:
    """Let these rules hold from the next reply on. Raises InvalidInput naming the meaning whose words are wrong, or its
    answer as "stop_answer" and so on."""
    taken: dict[str, ReplyMeaning] = {}
    old = rules()
    for meaning in USUAL:
        rule = Rule(_checked_words(meaning, wanted[meaning].words, taken), _checked_answer(meaning, wanted[meaning]))
        if rule != Rule(list(old[meaning].words), old[meaning].answer):
            db.session.merge(ReplyWords(meaning=meaning, words=rule.words, answer=rule.answer))
            audit.note(What.REPLY_WORDS, None, meaning=meaning.value, words=list(rule.words), answer=rule.answer)
    db.session.flush()


def _checked_words(meaning: ReplyMeaning, words: Sequence[str], taken: dict[str, ReplyMeaning]) -> list[str]:
    found: dict[str, str] = {}
    for word in words:
        key = folded(word)
        if not key or len(word) > LONGEST_WORD:
            raise InvalidInput(
                "“%(word)s” cannot be used: write words of at most %(limit)s characters, with a letter or a digit.",
                meaning,
                word=word[:LONGEST_WORD],
                limit=LONGEST_WORD,
            )
        if key in taken:
            raise InvalidInput("“%(word)s” stands in two lists. Take it out of one.", meaning, word=word)
        found.setdefault(key, " ".join(word.split()))
    if len(found) > MOST_WORDS:
        raise InvalidInput("Use at most %(limit)s words.", meaning, limit=MOST_WORDS)
    if meaning is ReplyMeaning.STOP and folded(MUST_STAY) not in found:
        raise InvalidInput("STOP must stay on this list: people are told to answer it.", meaning)
    taken.update(dict.fromkeys(found, meaning))
    return list(found.values())


def _checked_answer(meaning: ReplyMeaning, rule: Rule) -> str:
    answer = rule.answer.strip()
    if answer and size_of(answer).units > MAX_UNITS:
        raise InvalidInput(N_("This answer is too long for a text message."), f"{meaning}_answer")
    return answer

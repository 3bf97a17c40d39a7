"""Invented people, always the same ones: pure. Every address is under example.com or example.org (RFC 2606), every
number in a range that is kept for invented people: +44 7700 900xxx (Ofcom) and +33 6 39 98 xx xx (Arcep)."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

COLUMNS = ("email", "first_name", "last_name", "company", "country", "language", "phone", "whatsapp", "city")
PHONE = COLUMNS.index("phone")
FIRST_NAMES = """Ada Adam Agata Anna Bruno Carla Chloé Daniel Elif Emil Ewa Filip Gabriela Hanna Igor Ines Jakub Jana
Jonas Julia Karol Lea Lena Luca Magda Marek María Mateusz Mia Nadia Nils Nora Oliver Ola Pablo Petra Piotr Rosa Sara
Tomasz"""
LAST_NAMES = """Adamska Becker Bianchi Blanc Borowski Dąbrowska Dubois Fischer García Horváth Jansen Jensen Kamiński
Keller Kowalska Lange Lefèvre Lewandowski López Mazur Meyer Moretti Nowak Novák Olsen Pereira Peeters Rossi Sikora Silva
Szabó Svensson Virtanen Visser Wagner Weber Wiśniewska Wolf Wójcik Zieliński"""
# country, language, city
PLACES = (
    ("PL", "pl", "Kraków"),
    ("PL", "pl", "Gdańsk"),
    ("DE", "de", "Leipzig"),
    ("DE", "de", "Köln"),
    ("FR", "fr", "Lyon"),
    ("ES", "es", "Sevilla"),
    ("IT", "it", "Torino"),
    ("NL", "nl", "Utrecht"),
    ("SE", "sv", "Malmö"),
    ("CZ", "cs", "Brno"),
    ("GB", "en", "Leeds"),
    ("GB", "en", "Bristol"),
)
COMPANIES = ("Amber Tools", "Blue Harbour", "Cedar & Sons", "Delta Print", "Elm Street Books", "Fjord Coffee", "")
HOSTS = ("mail.example.com", "people.example.com", "post.example.org", "home.example.org")
PLAIN = str.maketrans("ąćęłńóśźżéèáíöüłčřžÉ", "acelnoszzeeaioulcrzE")


@dataclass(frozen=True, slots=True)
class Group:
    """A folder and which people are in it: numbers from first on, so that folders overlap. with_phone: only those who
    have one."""

    folder: str
    first: int
    count: int
    with_phone: bool = False


# 5,000 people in all: the newsletter and the trade fair share 500, the customers are among the newsletter's readers.
GROUPS = (
    Group("Newsletter", 0, 4000),
    Group("Customers", 0, 600),
    Group("Trade fair", 3500, 1500),
    Group("Friends of the house", 120, 60),
    Group("Text club", 0, 1200, with_phone=True),
)
WRONG_ROWS = (("anna.example.com", "Anna"), ("piotr@mail", "Piotr"))  # so that the page of bad rows has something


def rows(group: Group) -> Iterator[tuple[str, ...]]:
    """The rows of a group's file; a person has the same row in every group."""
    for number in range(group.first, group.first + group.count):
        person = _person(number)
        if not group.with_phone or person[PHONE]:
            yield person


def csv_file(group: Group) -> bytes:
    """The file that is imported for a group."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(rows(group))
    if group is GROUPS[0]:
        writer.writerows((*wrong, *[""] * (len(COLUMNS) - len(wrong))) for wrong in WRONG_ROWS)
    return text.getvalue().encode()


def _person(number: int) -> tuple[str, ...]:
    pick = Random(number)
    first, last = pick.choice(FIRST_NAMES.split()), pick.choice(LAST_NAMES.split())
    country, language, city = pick.choice(PLACES)
    local = f"{first}.{last}{number}".translate(PLAIN).lower()
    phone = _phone(country, number)
    whatsapp = phone if number % 3 else ""
    company = pick.choice(COMPANIES)
    return f"{local}@{pick.choice(HOSTS)}", first, last, company, country, language, phone, whatsapp, city


def _phone(country: str, number: int) -> str:
    """The number of a person; "" for who has none. A range is no larger than it is, and nobody shares a phone."""
    if country == "FR" and number < 10_000:
        return f"+33 6 39 98 {number // 100:02d} {number % 100:02d}"
    return f"+44 7700 900{number:03d}" if country == "GB" and number < 1000 else ""

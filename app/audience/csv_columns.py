"""Which column of a file is which field of a contact: suggestions by heading, the check of a choice. Pure."""

import re
from collections.abc import Mapping, Sequence

from app.audience.fields import ADDRESS_FIELDS, ContactField, is_attribute, plain
from app.kernel.errors import InvalidInput

_HEADINGS: dict[ContactField, str] = {
    ContactField.EMAIL: "email e mail mail emailaddress mailaddress adresemail adresmail emailadresse poczta "
    "pocztaelektroniczna adrespocztyelektronicznej correo courriel email1 primaryemail workemail emailsluzbowy",
    ContactField.SECOND_EMAIL: "secondemail secondaryemail email2 mail2 otheremail alternateemail alternativeemail "
    "privateemail drugiemail drugimail emaildodatkowy dodatkowyemail innyemail emailprywatny",
    ContactField.PHONE: "phone phonenumber telephone tel mobile mobilephone mobilenumber cell cellphone telefon "
    "nrtelefonu numertelefonu telefonkomorkowy komorka nrkomorkowy numerkomorkowy gsm handy telefonnummer msisdn sms",
    ContactField.WHATSAPP: "whatsapp whatsappnumber numerwhatsapp nrwhatsapp whatsappphone wa",
    ContactField.FIRST_NAME: "firstname first givenname forename imie imiona vorname prenom nombre name1",
    ContactField.LAST_NAME: "lastname last surname familyname nazwisko nachname nom apellido name2",
    ContactField.COMPANY: "company companyname organisation organization org firma nazwafirmy przedsiebiorstwo "
    "organizacja unternehmen employer",
    ContactField.COUNTRY: "country countrycode kraj kodkraju panstwo land pays pais",
    ContactField.LANGUAGE: "language lang locale jezyk sprache langue idioma",
    ContactField.TIME_ZONE: "timezone tz zone strefa strefaczasowa zeitzone",
}
_FIELD_OF = {heading: field for field, headings in _HEADINGS.items() for heading in headings.split()}


def suggest(columns: Sequence[str]) -> dict[str, str]:
    """Column -> field for the headings that are known, whatever their case, blanks, accents and punctuation.

    A field is given to one column only; columns that are not named are left out until somebody maps them.
    """
    mapping: dict[str, str] = {}
    for column in columns:
        field = _FIELD_OF.get(re.sub(r"[^a-z0-9]", "", plain(column)))
        if field is not None and field.value not in mapping.values():
            mapping[column] = field.value
    return mapping


def check_mapping(columns: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping without columns mapped to nothing. Raises InvalidInput for one that cannot be used."""
    used = {column: target for column, target in mapping.items() if target}
    for column, target in used.items():
        if column not in columns:
            raise _bad("There is no column “%(column)s” in this file.", column=column[:40])
        if target not in _FIELD_NAMES and not is_attribute(target):
            raise _bad(
                "“%(target)s” is no field of a contact. Own fields are written attributes.<name>.", target=target[:40]
            )
    if len(set(used.values())) != len(used):
        raise _bad("Two columns go into the same field. Choose one of them.")
    if not any(field in used.values() for field in ADDRESS_FIELDS):
        raise _bad("Choose the column with the e-mail address or the phone number.")
    return used


_FIELD_NAMES = frozenset(ContactField)


def _bad(message: str, **values: object) -> InvalidInput:
    return InvalidInput(message, "mapping", **values)

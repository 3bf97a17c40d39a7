"""The forms of an import: the file, and what its columns are."""

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired

from app.audience.fields import ATTRIBUTE_PREFIX, attribute_name
from app.audience.service import FOLDER_NAME_LIMIT
from app.web.forms.fields import PanelForm, folder_rows, line, row_choice

OWN_FIELD = "own"  # the choice "keep as an own field"


class UploadForm(PanelForm):
    """The file."""

    file = FileField(
        _l("CSV file"),
        description=_l("The first row names the columns. Up to 200 MB and 1,000,000 rows."),
        validators=[FileRequired(_l("Choose a file."))],
    )


class MappingForm(PanelForm):
    """Beside the columns: where the people go and what their phone numbers mean. Columns are read by number."""

    folder_id = row_choice(_l("Put them into the folder"), folder_rows, _l("no folder"))
    new_folder = line(
        _l("Or into a new folder"), _l("Its name. Campaigns are sent to folders."), maxlength=FOLDER_NAME_LIMIT
    )
    default_country = line(_l("Country of phone numbers without +"), _l("Two letters such as PL."), maxlength=2)


def own_field(column: str) -> str:
    """The own field that a column is kept in."""
    return ATTRIBUTE_PREFIX + attribute_name(column)

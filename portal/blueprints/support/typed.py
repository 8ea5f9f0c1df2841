"""What somebody typed into a form that a colleague's answer has closed, to read and to copy."""

from wtforms import BooleanField, Field, HiddenField
from wtforms.fields.choices import SelectFieldBase

from portal.blueprints.fields import DateBoxes
from portal.web import Form, locale, say


def typed_in(form: Form | None) -> list[tuple[str, str]]:
    """The labels and words of all that was typed or chosen; nothing where nothing was sent."""
    if form is None or not form.is_submitted():
        return []
    shown = [one for one in form if not isinstance(one, (HiddenField, BooleanField))]
    said = [(say(one.label.text), _words(one)) for one in shown]
    return [(name, words) for name, words in said if words]


def _words(field: Field) -> str:
    match field:
        case DateBoxes():
            boxes = {box.part: box.value for box in field.boxes(locale())}
            return "-".join(filter(None, (boxes[part] for part in ("year", "month", "day"))))
        case SelectFieldBase():
            chosen = {str(value): label for value, label, *_more in field.iter_choices()}
            return say(chosen.get(str(field.data), ""))
    return str(getattr(field, "_value", str)())

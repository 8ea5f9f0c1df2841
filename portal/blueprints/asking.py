"""The questions that prove who somebody is, as a page and as a member of staff on the phone ask."""

from typing import Any

from wtforms import StringField
from wtforms.validators import StopValidation

from portal.blueprints.fields import DateBoxes
from portal.domain import N_, DomainError
from portal.domain import identity as read
from portal.domain.identity import Factor
from portal.domain.wording import clean_text
from portal.web import Form, explain, now

LONGEST = 254
LABELS = {
    ("postal_code", "US"): N_("ZIP code"),
    ("postal_code", "CA"): N_("Postal code"),
    ("last_four", "US"): N_("Last 4 digits of your Social Security number"),
    ("last_four", "CA"): N_("Last 4 digits of your Social Insurance Number"),
}


class BirthBoxes(DateBoxes):
    """A date of birth in three boxes; ``data`` is a date or None."""

    def pre_validate(self, form: Any) -> None:
        """Understand the date, or say which part is not clear."""
        boxes = [self._typed.get(part, "") for part in ("month", "day", "year")]
        try:
            self.data = read.date_of_birth(*boxes, today=now().date())
        except DomainError as error:
            raise StopValidation(explain(error)) from error


class ReadField(StringField):
    """An answer that ``domain.identity`` reads; ``data`` is its one spelling, or None."""

    data: Any

    def __init__(self, label: str, *, reader: Any, **given: Any) -> None:
        super().__init__(label, **given)
        self.reader = reader

    def _value(self) -> str:
        return clean_text(str(self.raw_data[0])[:LONGEST]) if self.raw_data else ""

    def pre_validate(self, form: Any) -> None:
        """Read what was typed, or say how it should look."""
        try:
            self.data = self.reader(self._value())
        except DomainError as error:
            raise StopValidation(explain(error)) from error


class FactsForm(Form):
    """The facts that a debtor is asked for; those not asked are taken out."""

    date_of_birth = BirthBoxes(N_("Date of birth"))
    postal_code = ReadField(N_("ZIP code"), reader=read.postal_code)
    last_four = ReadField(N_("Last 4 digits of your Social Security number"), reader=read.last_four)

    def ask(self, factors: tuple[Factor, ...], country: str) -> None:
        """Keep these facts only, under the names that they have in the country."""
        for factor in Factor:
            if factor not in factors:
                del self[factor.value]
            elif label := LABELS.get((factor.value, country)):
                self[factor.value].label.text = label

    def answers(self) -> dict[Factor, str]:
        """What was typed, as the check takes it: a date in ISO form."""
        return {Factor(field.name): str(field.data) for field in self}

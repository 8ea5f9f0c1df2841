"""Setting up a second step: a secret that only the page knows until its first code is right."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from wtforms import HiddenField, StringField

from portal.domain import N_, totp
from portal.security import seal_text, unseal_text
from portal.services.second_steps import fresh_secret
from portal.web import Form, render
from portal.web import gettext as _

PURPOSE = "second-step"


class SecondStepForm(Form):
    """The first code of a new second step; ``secret`` goes along, sealed for one person."""

    code = StringField(N_("Code that the app shows"))
    secret = HiddenField()


@dataclass(frozen=True, slots=True)
class Enrolling:
    """The page where somebody sets up a second step."""

    form: SecondStepForm
    secret: bytes
    account: str

    def page(self) -> Any:
        """The page, with the QR code and the secret as text."""
        from portal.certifying import qr_code  # noqa: PLC0415 - few requests pay for it

        address = totp.as_address(self.secret, issuer=_("Payment portal"), account=self.account)
        answer = render(
            "staff/second_step.html",
            form=self.form,
            picture=qr_code(address, fluid=True),
            secret=totp.as_text(self.secret),
        )
        return answer, 422 if self.form.errors else 200


def enrolling(form: SecondStepForm, staff_id: UUID, account: str) -> Enrolling:
    """The page of this person, with the secret that it showed before or a new one."""
    about = staff_id.bytes
    secret = unseal_text(PURPOSE, form.secret.data or "", about) or fresh_secret()
    form.secret.data = seal_text(PURPOSE, secret, about)
    return Enrolling(form, secret, account)

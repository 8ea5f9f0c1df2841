"""A new address of a debtor who is known on the telephone."""

from typing import Any
from uuid import UUID

from wtforms import BooleanField, RadioField, StringField

from portal.blueprints.consoles import Task, options, perform
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.resuming import ask_who
from portal.domain import N_
from portal.domain.access import Permission
from portal.domain.channels import Channel
from portal.i18n import LANGUAGES
from portal.models import Account, Client, Debtor
from portal.rules.disclosures import LegalText, legal_text
from portal.security import audience, current_staff
from portal.services import call_sessions
from portal.services.heard_addresses import Heard, add_heard
from portal.services.preferences import CONSENT
from portal.web import Form, now, session
from portal.web import gettext as _

KINDS: dict[str, str] = {Channel.EMAIL: N_("E-mail address"), Channel.SMS: N_("Mobile number")}


class AddressForm(Form):
    """What the person says, and that they agree to its use."""

    channel = RadioField(N_("What do they give you?"), default=Channel.EMAIL)
    address = StringField(N_("Address or number"), description=N_("Read it back to them."))
    agreed = BooleanField(N_("I read the words aloud, and the person agreed"))


@bp.route("/accounts/<uuid:account_id>/address", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def new_address(account_id: UUID) -> Any:
    """Add an address with the words that are read aloud; first, who is on the line is asked."""
    account, form = open_account(account_id), AddressForm()
    if not call_sessions.verified(session, current_staff(), account, now()):
        return ask_who(account)
    words, takes = _words(account)
    form.channel.choices = options(takes)

    def do() -> None:
        channel, typed = Channel(form.channel.data), form.address.data or ""
        heard = Heard(channel, typed, words, form.agreed.data)
        add_heard(session, account, heard, staff=current_staff(), now=now())

    said = {"language": LANGUAGES.get(words.locale, words.locale), "words": words.text}
    task = Task(
        title=_("Add an address of this person"),
        button=_("Add it"),
        back=back_to(account),
        notes=(
            _("Read this aloud, in %(language)s: “%(words)s”", **said),
            _("A link can go there at once. What you read and who agreed is kept on the record."),
        ),
    )
    done = _("The address is on file, and a link can go there.")
    return perform(form, do, task=task, done=done, to=back_to(account))


def _words(account: Account) -> tuple[LegalText, dict[str, str]]:
    """What is read aloud, in the debtor's language, and the kinds of addresses that can be used."""
    client = session.get_one(Client, account.client_id)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    takes = KINDS if client.texts else {str(Channel.EMAIL): KINDS[Channel.EMAIL]}
    return legal_text(CONSENT, debtor.language, company=client.trade_name), dict(takes)

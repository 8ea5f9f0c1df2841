"""Required copies by email only: the statement, a sample, the consent and its end (ES-01)."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import InputRequired

from portal import templating
from portal.blueprints.debtor import bp
from portal.blueprints.debtor.common import runtime, set_clock
from portal.blueprints.debtor.preferences import masked
from portal.db import commit
from portal.domain import N_, DomainError
from portal.i18n import locale_for
from portal.models import Client, Debtor
from portal.rules.disclosures import LegalText, legal_text
from portal.security import audience, current_visit
from portal.services import demonstrations, esign, evidence
from portal.services.demonstrations import MOST_TRIES, Outcome, Visiting
from portal.web import (
    Form,
    explain,
    locale,
    now,
    problems_of,
    render,
    see_other,
    session,
    url_for,
)
from portal.web import gettext as _

CHANGED = N_("The words on this page have changed. Please read them again.")
WRONG = {
    Outcome.WRONG_CODE: N_("This is not the code in the sample. Please look at it again."),
    Outcome.SPENT: N_("That was not the code either. Please let us send you a new sample."),
    Outcome.NOT_ASKED: N_("Please let us send you a sample first."),
}


class ConsentForm(Form):
    """The code in the sample and the consent; ``shown`` is the hash of the statement above it."""

    code = StringField(
        N_("Code in the sample"),
        [InputRequired(N_("Type the code that stands in the sample."))],
        filters=[lambda text: (text or "")[:64]],
    )
    agreed = BooleanField(
        N_("I want the copies that the law requires by email only."),
        [InputRequired(N_("Tick the box if you want this. If not, keep getting letters."))],
    )
    shown = HiddenField()


@bp.route("/copies-by-email", methods=["GET", "POST"])
@audience("debtor")
def online_only() -> ResponseReturnValue:
    """The statement, and below it the sample or the code in it; consent without it is refused."""
    who, client = _reader()
    form, text = ConsentForm(), _statement(client)
    if form.validate_on_submit() and _agreed(form, who, text):
        return see_other(url_for(".preferences", done="online"))
    return _page(who, form, text), 422 if form.errors else 200


@bp.post("/copies-by-email/sample")
@audience("debtor")
def send_sample() -> ResponseReturnValue:
    """Send a sample to the reader's e-mail address."""
    who, client = _reader()
    text = _statement(client)
    try:
        _asked, went = demonstrations.ask_sample(
            session, who, text, write=_sample(who.debtor), keys=runtime().settings.keys, now=now()
        )
    except DomainError as error:
        session.rollback()
        return _page(who, ConsentForm(), text, note=explain(error)), 409
    commit(session, "esign.asked")
    return see_other(url_for(".online_only", sent="now" if went else "before"))


@bp.post("/copies-by-email/stop")
@audience("debtor")
def paper_again() -> ResponseReturnValue:
    """Withdraw the consent, at once and without a question."""
    who, _client = _reader()
    actor = evidence.debtor(who.debtor.id)
    esign.withdraw(session, who.debtor, actor=actor, now=now())
    commit(session, "esign.withdrawn")
    return see_other(url_for(".preferences", done="paper"))


def _reader() -> tuple[Visiting, Client]:
    visit = current_visit()
    set_clock()
    debtor = session.get_one(Debtor, (visit.client_id, visit.debtor_id))
    client = session.get_one(Client, visit.client_id)
    return Visiting(debtor, visit.session_id), client


def _statement(client: Client) -> LegalText:
    return legal_text(
        esign.TEXT,
        locale(),
        company=client.trade_name,
        phone=client.phone,
        address=client.street_address,
    )


def _sample(debtor: Debtor) -> Any:
    """What writes the sample around its code, in the language of the debtor's messages."""
    said = locale_for(debtor.language, debtor.country)

    def write(code: str) -> bytes:
        text = legal_text(esign.SAMPLE, said, code=code)
        return templating.render(said, "documents/sample.html", text=text).encode()

    return write


def _agreed(form: ConsentForm, who: Visiting, text: LegalText) -> bool:
    """Whether the consent stands now; else the form says why, and the try is counted."""
    if form.shown.data != text.sha256:
        form.form_errors.append(_(CHANGED))
        return False
    typed, keys = form.code.data or "", runtime().settings.keys
    outcome = demonstrations.agree(session, who, text, typed, keys=keys, now=now())
    commit(session, "esign.tried")
    if outcome is Outcome.CONSENTED:
        return True
    if outcome is Outcome.NOT_ASKED and _stands(who.debtor):
        return True
    form.code.errors = [_(WRONG[outcome])]
    return False


def _stands(debtor: Debtor) -> bool:
    return esign.standing_consent(session, debtor.client_id, debtor.id) is not None


def _page(who: Visiting, form: ConsentForm, text: LegalText, *, note: str = "") -> str:
    contact = demonstrations.email_for_copies(session, who.debtor)
    asked = demonstrations.asked_for(session, who.debtor)
    if asked is None or asked.tries >= MOST_TRIES:
        asked, note = None, note or next((words for _, words in problems_of(form)), "")
    return render(
        "debtor/online.html",
        form=form if asked else None,
        shown=text.sha256,
        text=text,
        note=note,
        address=masked(contact) if contact else None,
        asked=asked,
        stands=_stands(who.debtor),
        sent=request.args.get("sent"),
    )

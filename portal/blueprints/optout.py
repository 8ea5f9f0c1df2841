"""Stopping messages, by whoever holds one: no log-in, no cookie, no script (EC-04, EC-05)."""

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from portal.db import commit
from portal.domain.wording import mask_email, mask_phone
from portal.models import Channel, Client, Contact, Debtor
from portal.security import audience, keys, wear_neutral
from portal.services import optouts
from portal.web import now, prefer, render, see_other, session, url_for

bp = Blueprint("optout", __name__)

ONE_CLICK = "List-Unsubscribe"


@bp.route("/unsubscribe/<token>", methods=["GET", "POST"])
@audience("anyone", forms=False)
def unsubscribe(token: str) -> ResponseReturnValue:
    """The page asks, or says that it is done; a POST does it, whoever sends it (RFC 8058).

    The token in the address is what proves that the sender holds a message of ours.
    """
    contact = _contact(token)
    if request.method == "POST":
        _decide(contact)
        commit(session, "optout")
        if ONE_CLICK not in request.form:  # a mail program follows no redirect
            return see_other(url_for(".unsubscribe", token=token))
    done = optouts.is_opted_out(session, contact)
    return render("optout/unsubscribe.html", token=token, address=_masked(contact), done=done)


def _decide(contact: Contact) -> None:
    if request.form.get("act") == "undo":
        optouts.opt_in(session, contact, now=now())
    else:
        source = "one_click" if ONE_CLICK in request.form else "unsubscribe"
        optouts.opt_out(session, contact, source=source, now=now())


def _contact(token: str) -> Contact:
    contact = optouts.open_unsubscribe(session, token, keys=keys())
    if contact is None:
        abort(404)
    client = session.get_one(Client, contact.client_id)
    debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
    wear_neutral(client)
    prefer(language=debtor.language, country=client.country)
    return contact


def _masked(contact: Contact) -> str:
    mask = mask_phone if contact.channel == Channel.SMS else mask_email
    return mask(contact.address)

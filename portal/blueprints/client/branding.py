"""Branding: a client's colors, names, ways to be reached and logo, with what they look like."""

import json
from collections.abc import Sequence
from typing import Any

from flask import current_app, flash, request
from werkzeug.datastructures import FileStorage
from wtforms import FileField, HiddenField, StringField

from portal.addresses import of_logo
from portal.blueprints.client import bp, current_client
from portal.blueprints.client.branding_look import COLORS, USES, look, ratio
from portal.blueprints.consoles import page
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.access import Permission
from portal.security import audience, current_staff
from portal.services.branding import (
    FIELDS,
    Branding,
    BrandingChangedMeanwhile,
    BrandingUnsuitable,
    Difference,
    branding_of,
    change_branding,
    change_logo,
    last_change,
    tidy,
)
from portal.services.logos import LARGEST_FILE, Logo, NoLogo, clean_logo
from portal.services.staff import names_of
from portal.services.texting import why_closed
from portal.web import Form, explain, now, see_other, session, url_for
from portal.web import gettext as _

LABELS = {
    **COLORS,
    "trade_name": N_("Name that debtors know you by"),
    "sender_name": N_("Neutral sender name"),
    "street_address": N_("Street address"),
    "phone": N_("Phone number"),
    "email": N_("Email address"),
    "hours_en": N_("When somebody answers the phone, in English"),
    "hours_es": N_("When somebody answers the phone, in Spanish"),
    "hours_fr": N_("When somebody answers the phone, in French"),
}


class BrandingForm(Form):
    """What may be changed; ``base`` is what all of it was when the form was made."""

    base = HiddenField()
    brand_color = StringField(LABELS["brand_color"])
    action_color = StringField(LABELS["action_color"])
    trade_name = StringField(LABELS["trade_name"])
    sender_name = StringField(LABELS["sender_name"])
    street_address = StringField(LABELS["street_address"])
    phone = StringField(LABELS["phone"])
    email = StringField(LABELS["email"])
    hours_en = StringField(LABELS["hours_en"])
    hours_es = StringField(LABELS["hours_es"])
    hours_fr = StringField(LABELS["hours_fr"])

    def typed(self) -> Branding:
        """What stands in the fields."""
        return tidy({name: self[name].data or "" for name in FIELDS})

    def made_from(self) -> Branding:
        """What the form was made from; nothing, if somebody tampered with it."""
        try:
            kept = json.loads(self.base.data or "")
        except ValueError:
            return {}
        return {str(k): str(v) for k, v in kept.items()} if isinstance(kept, dict) else {}


class LogoForm(Form):
    """A picture to show in the header; ``shown`` is the hash of the one that is there."""

    shown = HiddenField()
    file = FileField(N_("Picture"))


@bp.route("/branding", methods=["GET", "POST"])
@audience(Permission.BRAND)
def branding() -> Any:
    """What debtors see of the client, to change."""
    form = _form()
    if not form.validate_on_submit():
        return _page(form)
    client, staff = current_client(), current_staff()
    try:
        changed = change_branding(
            session, client.id, form.typed(), base=form.made_from(), staff=staff, now=now()
        )
    except BrandingUnsuitable as refused:
        session.rollback()
        for name, problem in refused.problems.items():
            form[name].errors = [problem]
        return _page(form), 422
    except BrandingChangedMeanwhile as refused:
        session.rollback()
        return _after(refused), 409
    commit(session, "branding.change")
    flash(_("Saved. Debtors see it from now on.") if changed else _("Nothing was changed."), "ok")
    return see_other(url_for("client.branding"))


@bp.post("/branding/contrast")
@audience(Permission.BRAND)
def contrast() -> Any:
    """The same page with the report for what was typed; nothing is saved."""
    return _page(_form())


@bp.post("/branding/logo")
@audience(Permission.BRAND)
def send_logo() -> Any:
    """Show another logo from now on."""
    form = LogoForm()
    try:
        logo = clean_logo(_sent(form))
        _show_logo(logo, form)
    except DomainError as refused:
        session.rollback()
        form.file.errors = [explain(refused)]
        return _page(None, form), 422
    told = _("The logo is saved. It takes %(bytes)s bytes.", bytes=len(logo.body))
    if logo.dropped:
        parts = ", ".join(logo.dropped)
        told += " " + _(
            "Taken out of the drawing: %(parts)s. See that it still looks right.", parts=parts
        )
    flash(told, "ok")
    return see_other(url_for("client.branding", _anchor="logo"))


@bp.post("/branding/logo/remove")
@audience(Permission.BRAND)
def remove_logo() -> Any:
    """Show the name in words again."""
    form = LogoForm()
    try:
        _show_logo(None, form)
    except DomainError as refused:
        session.rollback()
        form.file.errors = [explain(refused)]
        return _page(None, form), 409
    flash(_("The logo is gone. Pages show your name in words."), "ok")
    return see_other(url_for("client.branding", _anchor="logo"))


def _sent(form: LogoForm) -> bytes:
    sent = form.file.data
    if not isinstance(sent, FileStorage) or not sent.filename:
        raise NoLogo
    return sent.stream.read(LARGEST_FILE + 1)


def _show_logo(logo: Logo | None, form: LogoForm) -> None:
    base = form.shown.data or ""
    change_logo(session, current_client().id, logo, base=base, staff=current_staff(), now=now())
    commit(session, "branding.logo")


def _form() -> BrandingForm:
    current = branding_of(current_client())
    return BrandingForm(data={**current, "base": json.dumps(current)})


def _after(refused: BrandingChangedMeanwhile) -> str:
    """The form with both people's changes, to be saved over what is in force now."""
    kept = {**refused.merged, "base": json.dumps(refused.current)}
    form = BrandingForm(None, data=kept)
    return _page(form, differences=refused.differences, problem=explain(refused))


def _page(
    form: BrandingForm | None,
    logo_form: LogoForm | None = None,
    *,
    differences: Sequence[Difference] = (),
    problem: str | None = None,
) -> str:
    client = current_client()
    in_force = branding_of(client)
    shown = form or BrandingForm(None, data={**in_force, "base": json.dumps(in_force)})
    logo = of_logo(request.script_root, client.id, client.logo)
    change = last_change(session, client)
    return page(
        "client/branding.html",
        section="branding",
        form=logo_form or shown,
        brand=shown,
        logo_form=logo_form or LogoForm(None),
        client=client,
        look=look(shown.typed(), in_force, logo, client.country, client.currency),
        differences=differences,
        problem=problem,
        change=change,
        changed_by=names_of(session, [change.staff_id])[change.staff_id] if change else None,
        labels=LABELS,
        uses=USES,
        ratio=ratio,
        texts_off=why_closed(client, current_app.extensions["portal"].texter),
    )

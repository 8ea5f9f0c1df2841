import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from wtforms import (
    BooleanField,
    FileField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired

from portal import web
from portal.blueprints.fields import DateBoxes, MoneyField
from portal.domain import N_
from portal.security import audience
from tests.pages.reading import said, text_of, tree

EVERY_CONTROL = """
{% extends "layouts/debtor.html" %}
{% from "macros/forms.html" import
  start, button, act, text, money, code, area, select, choices, tick, date_boxes, upload %}
{% set form_id = "form" %}
{% block title %}Every <b>control</b>{% endblock %}
{% block content %}
{{ start(upload=True) }}
{{ text(form.name, hint="As on the letter", fill="name", width="w10") }}
{{ money(form.amount, hint="From $25.00") }}
{{ date_boxes(form.born_on, hint="For example, 3 27 1985", birth=True) }}
{{ choices(form.how, details={"plan": "You choose the amount"}) }}
{{ select(form.rhythm) }}
{{ area(form.note, length=500) }}
{{ tick(form.agree) }}
{{ upload(form.proof) }}
{{ button("Continue") }}
</form>
{{ act("Stop", "/stop", kind="alt", hidden={"plan": "1"}) }}
{% endblock %}
"""

TYPED = {
    "name": 'Dana <"&',
    "amount": "1.240",
    "born_on-month": "2",
    "born_on-day": "30",
    "born_on-year": "1985",
    "how": "plan",
    "rhythm": "monthly",
    "note": "\n First line",
}


class EveryForm(web.Form):
    name = StringField(N_("Your full name"), [InputRequired(N_("Type your full name."))])
    amount = MoneyField(N_("Amount each month"))
    born_on = DateBoxes(N_("Date of birth"))
    how = RadioField(
        N_("How do you want to pay?"),
        [InputRequired(N_("Choose one."))],
        choices=[
            SelectChoice("plan", N_("A bit each month")),
            SelectChoice("full", N_("All of it")),
        ],
    )
    rhythm = SelectField(N_("How often?"), choices=[SelectChoice("monthly", N_("Every month"))])
    note = TextAreaField(N_("Note"))
    agree = BooleanField(N_("I agree."), [InputRequired(N_("Tick the box if you agree."))])
    proof = FileField(N_("A photo or file"))


@pytest.fixture
def page(app: Flask, http: FlaskClient) -> FlaskClient:
    def view() -> tuple[str, int]:
        g.csrf_token = lambda: "a<token"
        form = EveryForm()
        status = 200
        if form.validate_on_submit():
            status = 201
        elif form.errors:
            status = 422
        template = web.environment(web.locale()).from_string(EVERY_CONTROL)
        frame = web.Page(face=web.NEUTRAL, problems=web.problems_of(form))
        return template.render(form=form, page=frame), status

    app.add_url_rule(
        "/every", "every", audience("anyone", forms=False)(view), methods=["GET", "POST"]
    )
    return http


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_every_control_is_labeled_and_valid(page: FlaskClient, language: str) -> None:
    response = page.get("/every", query_string={"lang": language})
    assert response.status_code == 200
    assert "aria-invalid" not in response.get_data(as_text=True)


def test_nothing_is_chosen_beforehand(page: FlaskClient) -> None:
    controls = tree(page.get("/every")).iter("input")
    assert not [control for control in controls if control.get("checked") is not None]


def test_problems_stand_on_top_and_at_the_field_and_nothing_typed_is_lost(
    page: FlaskClient,
) -> None:
    response = page.post("/every", data=TYPED)
    document = tree(response)
    assert response.status_code == 422
    assert text_of(document.find(".//title")).startswith("Problem: Every control")  # type: ignore[arg-type]
    for sentence in (
        "Write the amount with digits, for example 80 or 80.50.",
        "Enter a real date",
        "Tick the box if you agree.",
    ):
        assert said(response).count(sentence) == 2
    values = {control.get("name"): control.get("value") for control in document.iter("input")}
    assert values["name"] == 'Dana <"&'
    assert values["amount"] == "1.240"
    assert values["born_on-day"] == "30"
    assert values["csrf_token"] == "a<token"
    assert document.find(".//textarea").text == "\n First line"  # type: ignore[union-attr]


def test_each_problem_leads_to_its_control(page: FlaskClient) -> None:
    document = tree(page.post("/every", data={}))
    controls = {c.get("id") for c in document.iter() if c.tag in ("input", "select", "textarea")}
    targets = [a.get("href", "")[1:] for a in document.findall(".//div[@class='errbox']//a")]
    assert targets == ["name", "amount", "born_on", "how", "rhythm", "agree"]
    assert set(targets) <= controls


def test_what_is_right_is_understood(page: FlaskClient) -> None:
    right = {"amount": "$1,240.50", "born_on-day": "28", "agree": "y", "note": ""}
    assert page.post("/every", data=TYPED | right).status_code == 201


def test_a_switch_of_language_keeps_what_was_typed_and_checks_nothing(page: FlaskClient) -> None:
    response = page.post("/every?lang=fr", data=TYPED | {"keep": "1"})
    document = tree(response)
    assert response.status_code == 200
    assert document.get("lang") == "fr"
    assert document.find(".//input[@name='amount']").get("value") == "1.240"  # type: ignore[union-attr]
    assert document.find(".//input[@name='born_on-year']").get("value") == "1985"  # type: ignore[union-attr]
    assert document.find(".//div[@class='errbox']") is None
    switch = document.find(".//nav//button[@lang='es']")
    assert switch is not None
    assert switch.get("formaction") == "?lang=es"


def test_boxes_of_a_date_stand_in_the_readers_order(page: FlaskClient) -> None:
    def order(language: str) -> list[str]:
        inputs = tree(page.get(f"/every?lang={language}")).iter("input")
        return [str(i.get("name")) for i in inputs if str(i.get("name")).startswith("born_on")]

    assert order("en") == ["born_on-month", "born_on-day", "born_on-year"]
    assert order("fr") == ["born_on-day", "born_on-month", "born_on-year"]

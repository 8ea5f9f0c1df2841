"""The frame of the pages in Chromium: looks, accessibility, and the few extras of app.js."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, g, request
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from portal import web
from portal.app import create_app
from portal.blueprints.fields import MoneyField
from portal.config import Settings
from portal.db import PortalSession
from portal.domain import N_
from portal.security import audience
from tests.journeys.people import press

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1440, "height": 900}
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

FORM = """
{% extends "layouts/debtor.html" %}
{% from "macros/forms.html" import start, money, button %}
{% from "macros/table.html" import menu, summary, back %}
{% set form_id = "form" %}
{% block title %}How much can you pay?{% endblock %}
{% block back %}{{ back("/help") }}{% endblock %}
{% block content %}
{{ menu([("/help", "Pay it all", "$1,240.00"), ("/privacy", "I need help", None)]) }}
{{ summary([("First payment", "December 4, 2026", "/help")]) }}
{{ start() }}{{ money(form.amount) }}{{ button("Continue") }}</form>
<p id="sent">{{ sent }}</p>
{% endblock %}
"""
CONSOLE = """
{% extends "layouts/console.html" %}
{% from "macros/table.html" import figures, badge %}
{% block title %}Accounts{% endblock %}
{% block content %}
{{ figures([("Active plans", "214"), ("Recovered", "$98,220.00")]) }}
<section><h2 id="list">List</h2>
<div class="scroll" role="region" aria-labelledby="list" tabindex="0"><table>
<thead><tr><th scope="col">Account</th><th scope="col" class="num">Balance</th>
<th scope="col">State</th></tr></thead>
<tbody>{% for n in range(9) %}<tr><th scope="row"><a href="/help">NG-10{{ n }}</a></th>
<td class="num">$1,240.00</td><td>{{ badge("Plan active", "good") }}</td></tr>{% endfor %}</tbody>
</table></div></section>
{% endblock %}
"""


class AmountForm(web.Form):
    amount = MoneyField(N_("Amount each month"))


def _frame(app: Flask) -> None:
    posts: list[str] = []

    def form() -> tuple[str, int]:
        seconds = float(request.args.get("seconds", 1800))
        web.wear(
            web.Face(
                sender="Northgate Energy",
                brand=request.args.get("brand", "#7a1fa2"),
                closes_at=datetime.now(UTC) + timedelta(seconds=seconds),
                close_url="/close",
                stay_url="/form",
            )
        )
        amounts = AmountForm()
        ok = amounts.validate_on_submit()
        if request.method == "POST":
            posts.append(request.form["amount"])
        page = web.Page(face=g.face, problems=web.problems_of(amounts))
        template = web.environment(web.locale()).from_string(FORM)
        status = 422 if amounts.errors else 200
        return template.render(form=amounts, page=page, sent=f"{len(posts)} {ok}"), status

    def console() -> str:
        labels = ("Accounts", "Proposals", "Messages", "Offers")
        links = tuple(web.Destination(section=x, label=x, url="/help", count=3) for x in labels)
        person = web.Person(name="Sam", role="Agent", links=links, log_out="/out")
        page = web.Page(face=web.Face(sender="Console"), person=person, section="Accounts")
        return web.environment(web.locale()).from_string(CONSOLE).render(page=page)

    app.add_url_rule(
        "/form", "form", audience("anyone", forms=False)(form), methods=["GET", "POST"]
    )
    app.add_url_rule("/console", "console", audience("anyone", forms=False)(console))


@pytest.fixture
def address(settings: Settings, sessions: Callable[..., PortalSession]) -> Iterator[str]:
    """The portal over HTTP, with two pages that show what layouts and macros can do."""
    app = create_app(settings)
    _frame(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a path in a fresh window; the arguments are Playwright's."""
    contexts = []

    def go(path: str, **given: Any) -> Page:
        context = browser.new_context(**({"viewport": PHONE} | given))
        contexts.append(context)
        page = context.new_page()
        page.goto(address + path)
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone", "desk"]
)
@pytest.mark.parametrize("path", ["/form?brand=%23ffc400", "/console", "/help?lang=fr", "/nothing"])
def test_pages_fit_and_have_no_barrier(
    open_page: Callable[..., Page], path: str, size: dict[str, int], scheme: str
) -> None:
    page = open_page(path, viewport=size, color_scheme=scheme, bypass_csp=True)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    found = Axe().run(page, options={"runOnly": STANDARD}).response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []


def test_the_policy_lets_our_own_files_through(open_page: Callable[..., Page]) -> None:
    page = open_page("/help")
    color = page.evaluate("getComputedStyle(document.querySelector('.top')).backgroundColor")
    assert color == "rgb(31, 78, 121)"


def test_problems_take_the_focus_and_lead_to_the_field(open_page: Callable[..., Page]) -> None:
    page = open_page("/form")
    page.get_by_label("Amount each month").fill("1.240")
    press(page.get_by_role("button", name="Continue"))
    assert page.title().startswith("Problem: How much can you pay?")
    assert page.evaluate("document.activeElement.className") == "errbox"
    press(page.locator(".errbox a"))
    assert page.evaluate("document.activeElement.id") == "amount"
    assert page.get_by_label("Amount each month").input_value() == "1.240"


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_a_switch_of_language_keeps_what_was_typed(
    open_page: Callable[..., Page], javascript: bool
) -> None:
    page = open_page("/form", java_script_enabled=javascript)
    page.get_by_label("Amount each month").fill("80")
    press(page.get_by_role("button", name="Français"))
    assert page.locator("html").get_attribute("lang") == "fr"
    assert page.locator("#amount").input_value() == "80"
    assert page.locator(".errbox").count() == 0


def test_two_clicks_are_one_submit_and_back_opens_the_form_again(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/form")
    page.get_by_label("Amount each month").fill("80")
    page.evaluate(
        "const b = [...document.querySelectorAll('.btn')].find(b => b.textContent == 'Continue');"
        "b.click(); b.click()"
    )
    expect(page.locator("#sent")).to_have_text("1 True")
    page.go_back()
    page.get_by_label("Amount each month").fill("90")
    press(page.get_by_role("button", name="Continue"))
    assert page.locator("#sent").text_content() == "2 True"


def test_the_warning_opens_in_time_and_gives_more_of_it(open_page: Callable[..., Page]) -> None:
    """WCAG 2.2.1: warned before the page closes, and one simple act extends it."""
    page = open_page("/form?seconds=4")
    page.locator("#timeout[open]").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "I need more time"
    page.keyboard.press("Enter")
    page.locator("#timeout:not([open])").wait_for(state="attached")
    assert int(page.locator("#timeout").get_attribute("data-seconds") or 0) > 1700


def test_a_page_left_open_goes_to_a_neutral_one(open_page: Callable[..., Page]) -> None:
    page = open_page("/form?seconds=2")
    page.wait_for_url("**/closed")
    assert "Northgate" not in page.content()

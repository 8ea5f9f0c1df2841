import gzip
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal import web
from portal.domain import DomainError
from portal.gateways.clock import SetClock
from portal.security import audience
from tests.pages.reading import said, text_of, tree

PUBLIC = ["/help", "/privacy", "/accessibility", "/closed"]
LANGUAGES = ["en", "es", "fr"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_are_sound_in_every_language(
    http: FlaskClient, path: str, language: str
) -> None:
    response = http.get(path, query_string={"lang": language})
    assert response.status_code == 200
    assert tree(response).get("lang") == language


def test_the_browser_chooses_the_language_until_the_person_does(http: FlaskClient) -> None:
    french = http.get("/help", headers={"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"})
    assert tree(french).get("lang") == "fr"
    spanish = http.get("/help?lang=es", headers={"Accept-Language": "fr-CA"})
    assert tree(spanish).get("lang") == "es"
    assert tree(http.get("/help?lang=xx", headers={"Accept-Language": "de"})).get("lang") == "en"


def test_a_language_chosen_before_identity_travels_in_links_and_sets_no_cookie(
    http: FlaskClient,
) -> None:
    response = http.get("/help?lang=es")
    links = [link.get("href") for link in tree(response).iter("a")]
    assert "/privacy?lang=es" in links
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", PUBLIC)
def test_the_first_view_is_under_seven_kilobytes(http: FlaskClient, path: str) -> None:
    """Journeys §1: HTML, stylesheet and script, headers included, in at most four requests."""
    page = http.get(path, headers={"Accept-Encoding": "gzip, br"})
    paths = re.findall(r'(?:href|src)="(/(?:theme|static)/[^"]+)"', _html(page.data))
    assert len(paths) == 2
    sizes = [len(page.data) + len(str(page.headers))]
    for address in paths:
        file = http.get(address, headers={"Accept-Encoding": "br"})
        assert file.status_code == 200
        sizes.append(len(file.data) + len(str(file.headers)))
    assert sum(sizes) <= 7 * 1024


def _html(body: bytes) -> str:
    return gzip.decompress(body).decode()


def test_files_are_kept_for_good_and_an_old_hash_is_not_found(http: FlaskClient) -> None:
    [address] = re.findall(r'href="(/theme/[^"]+)"', http.get("/help").get_data(as_text=True))
    response = http.get(address, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in response.headers["Cache-Control"]
    assert "--brand:#1f4e79" in gzip.decompress(response.data).decode()
    assert http.get("/theme/1f4e79-0000000000.css").status_code == 404
    assert http.get("/theme/zzzzzz-0000000000.css").status_code == 404
    assert http.get("/static/0000000000/app.js").status_code == 404
    assert http.get("/static/0000000000/nothing.js").status_code == 404


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("gzip, deflate, br", "gzip"), ("gzip", "gzip"), ("", None)]
)
def test_a_page_is_sent_in_a_form_the_browser_reads(
    http: FlaskClient, accepted: str, encoding: str | None
) -> None:
    response = http.get("/help", headers={"Accept-Encoding": accepted})
    unpack = gzip.decompress if encoding else bytes
    assert response.headers.get("Content-Encoding") == encoding
    assert b"</html>" in unpack(response.data)
    assert int(response.headers["Content-Length"]) == len(response.data)


def test_robots_and_health_answer(http: FlaskClient) -> None:
    assert "Disallow: /" in http.get("/robots.txt").get_data(as_text=True)
    assert http.get("/healthz").data == b"ok\n"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 422, 429, 503])
def test_every_refusal_has_a_page(
    app: Flask, http: FlaskClient, status: int, language: str
) -> None:
    from flask import abort

    app.add_url_rule("/broken", "broken", audience("anyone", forms=False)(lambda: abort(status)))
    response = http.get("/broken", query_string={"lang": language})
    assert response.status_code == status
    assert tree(response).get("lang") == language


def test_a_fault_shows_its_code_and_logs_it(
    app: Flask, http: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    app.testing = False
    app.add_url_rule("/broken", "broken", audience("anyone", forms=False)(lambda: {}["secret"]))
    response = http.get("/broken")
    code = re.search(r'class="ref">(\w{8})<', response.get_data(as_text=True))
    assert response.status_code == 500
    assert code is not None
    assert code[1] in caplog.text
    assert "secret" not in response.get_data(as_text=True)


def test_a_lost_database_is_a_503_that_says_try_again(app: Flask, http: FlaskClient) -> None:
    from sqlalchemy.exc import OperationalError

    def away() -> str:
        raise OperationalError("SELECT 1", {}, Exception("no server"))

    app.add_url_rule("/away", "away", audience("anyone", forms=False)(away))
    response = http.get("/away")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "60"
    assert "Try again in a few minutes." in said(response)


def test_a_wrong_method_names_the_right_ones(http: FlaskClient) -> None:
    response = http.post("/help")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


def test_a_refused_form_and_a_closed_page_say_what_to_do(app: Flask, http: FlaskClient) -> None:
    def refuse() -> str:
        raise web.CsrfRejected

    def close() -> str:
        raise web.SessionClosed("/l/abc")

    app.add_url_rule("/refuse", "refuse", audience("anyone", forms=False)(refuse))
    app.add_url_rule("/close-it", "close-it", audience("anyone", forms=False)(close))
    assert "nothing was taken" in said(http.get("/refuse"))
    closed = http.get("/close-it")
    assert closed.status_code == 403
    assert "/l/abc" in [link.get("href") for link in tree(closed).iter("a")]


def test_a_rule_that_forbids_says_its_sentence(app: Flask, http: FlaskClient) -> None:
    class TooLow(DomainError):
        message = "At least %(minimum)s, from %(day)s."

    def low() -> str:
        from datetime import date

        raise TooLow(minimum=(2500, "USD"), day=date(2026, 12, 4))

    app.add_url_rule("/low", "low", audience("anyone", forms=False)(low))
    response = http.get("/low")
    assert response.status_code == 409
    assert "At least $25.00, from December 4, 2026." in said(response)


def test_programs_get_problem_details(http: FlaskClient) -> None:
    response = http.get("/api/nothing")
    assert response.mimetype == "application/problem+json"
    assert response.get_json()["status"] == 404


def test_a_host_that_is_not_ours_is_refused(http: FlaskClient) -> None:
    assert http.get("/help", headers={"Host": "evil.example"}).status_code == 400


def test_only_a_pay_page_may_send_its_forms_to_stripe(app: Flask, http: FlaskClient) -> None:
    def pay() -> str:
        web.allow_form_action(["https://checkout.stripe.com"])
        return web.render("public/help.html")

    app.add_url_rule("/pay", "pay", audience("anyone", forms=False)(pay))
    policy = http.get("/pay").headers["Content-Security-Policy"]
    assert "form-action 'self' https://checkout.stripe.com;" in policy
    assert "stripe" not in http.get("/help").headers["Content-Security-Policy"]


def test_a_senders_name_cannot_break_out_of_the_title(app: Flask, http: FlaskClient) -> None:
    def page() -> str:
        web.wear(web.Face(sender="<script>alert(1)</script>", brand="#ffc400"))
        return web.render("public/help.html")

    app.add_url_rule("/named", "named", audience("anyone", forms=False)(page))
    response = http.get("/named")
    assert "<script>alert" not in response.get_data(as_text=True)
    assert "/theme/ffc400-" in response.get_data(as_text=True)


def test_an_open_page_says_when_it_closes(app: Flask, http: FlaskClient, clock: SetClock) -> None:
    from datetime import timedelta

    def page() -> str:
        closes = clock.now() + timedelta(minutes=30)
        web.wear(web.Face(closes_at=closes, time_zone="America/New_York", close_url="/close"))
        return web.render("public/help.html")

    app.add_url_rule("/open", "open", audience("anyone", forms=False)(page))
    response = http.get("/open")
    words = text_of(tree(response))
    assert re.search(r"stays open until 12:30\sPM\.", words)
    assert "Close this page" in words
    assert 'data-seconds="1800"' in response.get_data(as_text=True)
    spanish = text_of(tree(http.get("/open?lang=es")))
    assert re.search(r"cierra esta página: 12:30\sp\.m\.(?!\.)", spanish)

"""What every page must be, checked on each response of a test."""

import re
from xml.etree.ElementTree import Element

import html5lib
from werkzeug.test import TestResponse

LABELED = {"input", "select", "textarea"}
UNLABELED_TYPES = {"hidden", "submit"}


def tree(response: TestResponse) -> Element:
    """The page as a browser reads it; raises on HTML that is not valid."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False, strict=True)
    document: Element = parser.parse(response.get_data(as_text=True))
    return document


def text_of(element: Element) -> str:
    """What a person reads in an element, with single spaces."""
    return " ".join("".join(element.itertext()).split())


def said(response: TestResponse) -> str:
    """The words of the main part of a page."""
    main = tree(response).find(".//main")
    assert main is not None
    return text_of(main)


def spaced(element: Element) -> str:
    """The same with a space between cells and lines, as a person hears it."""
    return " ".join(" ".join(element.itertext()).split())


def heard(response: TestResponse) -> str:
    """The words of the main part of a page, each part apart."""
    main = tree(response).find(".//main")
    assert main is not None
    return spaced(main)


def check_page(response: TestResponse) -> None:
    """Raise if the page breaks a rule that holds for all of them."""
    page = tree(response)
    _check_headings(page)
    _check_controls(page)
    _check_code(page)
    _check_headers(response)
    assert page.get("lang") in ("en", "es", "fr", "eo", "yi")
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids)), "an id stands twice on the page"
    for link in page.iter("a"):
        target = link.get("href", "")
        assert not target.startswith("#") or target[1:] in ids, f"{target} leads nowhere"
        assert text_of(link), f"the link to {target} has no words"


def _check_headings(page: Element) -> None:
    headings = list(page.iter("h1"))
    assert len(headings) == 1, "a page has one main heading"
    title = text_of(page.find(".//title"))  # type: ignore[arg-type]
    heading = text_of(headings[0])
    assert re.sub(r"^(Problem:|Problema:|Problème\s?:) ", "", title).startswith(heading), (
        f"the title {title!r} does not start with the heading {heading!r}"
    )


def _check_controls(page: Element) -> None:
    labels = {label.get("for") for label in page.iter("label")}
    for control in page.iter():
        if control.tag in LABELED and control.get("type") not in UNLABELED_TYPES:
            named = control.get("id") in labels or control.get("aria-label")
            assert named or _inside_label(page, control), f"{control.attrib} has no label"
    ids = {element.get("id") for element in page.iter()}
    for element in page.iter():
        for name in element.get("aria-describedby", "").split():
            assert name in ids, f"aria-describedby names {name}, which is not there"


def _inside_label(page: Element, control: Element) -> bool:
    return any(control in list(label.iter()) for label in page.iter("label"))


def _check_code(page: Element) -> None:
    assert not list(page.iter("style")), "no style inside the page"
    assert all(script.get("src") for script in page.iter("script")), "no script inside the page"
    for element in page.iter():
        forbidden = [name for name in element.attrib if name == "style" or name.startswith("on")]
        assert not forbidden, f"{element.tag} has {forbidden}, which the policy forbids"


def _check_headers(response: TestResponse) -> None:
    headers = response.headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"

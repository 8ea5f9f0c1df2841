"""What is left of a drawing: shapes, colors and words, and nothing that acts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain import DomainError, svg
from portal.domain.proportions import fit

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
RECT = '<rect width="9" height="9" fill="#f00"/>'


def drawn(inside: str, attributes: str = 'viewBox="0 0 60 20"', before: str = "") -> bytes:
    return f"{before}<svg {NS} {attributes}>{inside}</svg>".encode()


ATTACKS = {
    "a script": "<script>alert(1)</script>",
    "a script by address": '<script href="https://evil.example/x.js"/>',
    "an event": '<rect width="9" height="9" onload="alert(1)"/>',
    "a link": '<a xlink:href="javascript:alert(1)"><circle r="3"/></a>',
    "a picture elsewhere": '<image href="https://evil.example/x.png" width="9" height="9"/>',
    "a picture on this host": '<image href="/client/money.csv" width="9" height="9"/>',
    "a picture within": '<image href="data:image/svg+xml;base64,PHN2Zz4=" width="9" height="9"/>',
    "use elsewhere": '<use href="http://evil.example/x.svg#a"/>',
    "use of data": '<use xlink:href="data:image/svg+xml,x#a"/>',
    "a page": '<foreignObject><b xmlns="http://www.w3.org/1999/xhtml">x</b></foreignObject>',
    "an import": "<style>@import url(https://evil.example/a.css);</style>",
    "a font": "<style>@font-face{font-family:a;src:url(//evil.example/f)}</style>",
    "a style by address": "<style>rect{fill:url(https://evil.example/x)}</style>",
    "an escaped address": "<style>rect{fill:u\\72l(https://evil.example/x)}</style>",
    "an image set": '<style>rect{fill:image-set("//evil.example/x" 1x)}</style>',
    "an attribute's address": '<rect width="9" height="9" fill="url(https://evil.example/x)"/>',
    "an escaped attribute": '<rect width="9" height="9" fill="u\\72l(https://evil.example)"/>',
    "a style attribute": '<rect width="9" height="9" style="fill:url(//evil.example/x)"/>',
    "a filter": '<filter id="f"><feImage href="https://evil.example/x.png"/></filter>',
    "an animated link": '<set attributeName="href" to="javascript:alert(1)"/>',
    "an animation": '<animate attributeName="href" values="javascript:alert(1)"/>',
    "a handler": '<handler xmlns="http://www.w3.org/2001/xml-events">x</handler>',
    "another namespace": '<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
    "a stylesheet": '<?xml-stylesheet href="https://evil.example/a.css"?>',
    "hidden words": "<metadata>made by Dana at home</metadata><!-- evil -->",
    "a base": f'<g xml:base="https://evil.example/">{RECT}</g>',
}
ACTS = re.compile(
    r"script|evil|javascript|onload|image|foreign|data:|import|font-face|<set|anim|handler|base|http"
)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_nothing_that_acts_or_leads_away_is_left(attack: str):
    clean = svg.clean(drawn(attack + RECT)).text
    assert ACTS.search(clean.replace('xmlns="http://www.w3.org/2000/svg"', "")) is None
    assert 'fill="#f00"' in clean
    assert svg.clean(clean.encode()).text == clean


@pytest.mark.parametrize(
    "before",
    [
        '<!DOCTYPE svg [<!ENTITY x "y">]>',
        '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE svg [<!ENTITY % x SYSTEM "https://evil.example/x.dtd"> %x;]>',
    ],
)
def test_a_drawing_that_declares_entities_is_refused(before: str):
    with pytest.raises(svg.DrawingWithEntities):
        svg.clean(drawn("<text>&x;</text>", before=before))


def test_the_doctype_that_drawing_programs_write_is_only_dropped():
    doctype = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/a/svg11.dtd">'
    assert "DOCTYPE" not in svg.clean(drawn(RECT, before=doctype)).text


LEVELS = list(zip("abcdefghij", "bcdefghijk", strict=True))
BOMBS = {
    "use": '<g id="a"><path d="M0 0"/></g>'
    + "".join(f'<g id="{to}">{f"""<use href="#{of}"/>""" * 9}</g>' for of, to in LEVELS[:4]),
    "clip": "".join(
        f'<clipPath id="{to}">{f"""<path clip-path="url(#{of})"/>""" * 20}</clipPath>'
        for of, to in LEVELS[:4]
    )
    + '<rect clip-path="url(#e)"/>',
    "class": "<style>"
    + "".join(f".{to}{{mask:url(#{of})}}" for of, to in LEVELS[:4])
    + "</style>"
    + "".join(f'<mask id="{to}">{f"""<path class="{to}"/>""" * 20}</mask>' for _, to in LEVELS[:4])
    + '<rect mask="url(#e)"/>',
    "tag": '<style>path{mask:url(#a)}</style><mask id="a"><path/></mask>',
    "ring": '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>',
    "itself": '<g id="a"><use href="#a"/></g>',
    "chain": "".join(f'<g id="{to}"><use href="#{of}"/></g>' for of, to in LEVELS),
    "chain back": "".join(f'<g id="{to}"><use href="#{of}"/></g>' for of, to in reversed(LEVELS)),
    "deep": "<g>" * 5000 + "</g>" * 5000,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_drawing_that_would_keep_a_telephone_busy_is_refused(bomb: str):
    """A few hundred bytes could stand for billions of shapes."""
    with pytest.raises(svg.DrawingTooNested):
        svg.clean(drawn(bomb))


def test_parts_that_drawing_programs_share_are_kept():
    shared = (
        '<defs><rect id="r" width="9" height="9"/><path id="p" d="M0 0h9"/></defs>'
        '<clipPath id="c"><use xlink:href="#r"/></clipPath>'
        '<g clip-path="url(#c)"><use href="#p"/><use href="#p"/></g>'
    )
    assert svg.clean(drawn(shared)).text.count('href="#p"') == 2


@pytest.mark.parametrize("body", [b"", b"hello", b"<html><body/></html>", b"<svg/>", b"\xff<svg"])
def test_what_is_no_drawing_is_refused(body: bytes):
    with pytest.raises(svg.DrawingUnreadable):
        svg.clean(body)


@pytest.mark.parametrize("given_size", ["", 'width="100%"', 'viewBox="0 0 0 20"', 'viewBox="a"'])
def test_a_drawing_says_how_large_it_is(given_size: str):
    with pytest.raises(svg.DrawingWithoutSize):
        svg.clean(drawn(RECT, given_size))


def test_a_drawing_with_a_size_alone_can_be_scaled():
    found = svg.clean(drawn(RECT, 'width="120.5px" height="40"'))
    assert 'viewBox="0 0 120.5 40"' in found.text
    assert fit(found.width, found.height, (200, 40)) == (120, 40)


def test_what_a_logo_needs_stays_and_what_was_taken_out_is_named():
    inside = (
        "<title>Harbor</title><style>.a,#b{fill:#0b6e4f; stroke-width:2}</style>"
        '<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient></defs>'
        '<g class="a" transform="translate(1 2)"><path d="M0 0h9v9z" fill="url(#g)"/></g>'
        '<text x="1" style="font-weight:700">A &amp; B</text><use xlink:href="#b" x="3"/>'
    )
    found = svg.clean(drawn(f"{inside}<script/><image href='x'/>"))
    for kept in (".a,#b{fill:#0b6e4f; stroke-width:2}", 'fill="url(#g)"', "A &amp; B", 'href="#b"'):
        assert kept in found.text
    assert found.dropped == ("image", "script")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_do_more_than_be_refused(noise: bytes):
    for body in (noise, drawn(noise.decode("utf-8", "replace"))):
        try:
            again = svg.clean(body).text
        except DomainError:
            continue
        assert svg.clean(again.encode()).text == again


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_logo_always_fits_its_box(width: int, height: int):
    fitted = fit(width, height, (200, 40))
    assert 1 <= fitted[0] <= 200
    assert 1 <= fitted[1] <= 40


@pytest.mark.parametrize("body", ["", "<script>alert(1)</script>", "<g></g>", "<defs></defs>"])
def test_a_drawing_of_nothing_is_refused(body: str) -> None:
    with pytest.raises(svg.DrawingEmpty):
        svg.clean(drawn(body))

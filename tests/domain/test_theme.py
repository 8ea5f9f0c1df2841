import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.domain import theme

COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
ACTIONS = st.none() | COLORS


@given(COLORS, ACTIONS)
@example("#ffff00", None)
@example("#ffffff", "#ffffff")
@example("#000000", "#000000")
@example("#777777", "#ffc400")
@example("#1f4e79", "#808080")
def test_no_colors_make_anything_unreadable(brand: str, action: str | None) -> None:
    p = theme.palette(brand, action)
    pairs = [(p.on_brand, p.brand), (p.on_act, p.act), (p.on_act_dark, p.act_dark)]
    pairs += [(p.act, ground) for ground in theme.LIGHT]
    pairs += [(p.act_dark, ground) for ground in theme.DARK]
    assert min(theme.contrast(*pair) for pair in pairs) >= theme.READABLE


@given(COLORS, ACTIONS)
@example("#ffffff", "#ffcc33")
@example("#888888", None)
def test_every_pair_of_the_report_has_the_contrast_it_needs(brand: str, action: str | None) -> None:
    found = theme.report(brand, action)
    assert [one for one in found if one.ratio < one.least] == []
    assert {one.mode for one in found} == {"light", "dark", "print"}


@given(COLORS, ACTIONS)
@example("#1f4e79", "#ffc400")
def test_the_report_tells_of_a_moved_color_just_where_pages_use_another(
    brand: str, action: str | None
) -> None:
    wished = action or brand
    for one in theme.report(brand, action):
        if one.use in ("link", "link_on_panel"):
            assert one.wished == (None if one.color == wished else wished)
        else:
            assert one.wished is None
    moved = {one.mode for one in theme.report(brand, action) if one.wished}
    for mode in moved:
        grounds = theme.LIGHT if mode == "light" else theme.DARK
        assert min(theme.contrast(wished, ground) for ground in grounds) < theme.READABLE


@given(COLORS, ACTIONS)
def test_paper_is_black_on_white_whatever_was_chosen(brand: str, action: str | None) -> None:
    (paper,) = [one for one in theme.report(brand, action) if one.mode == "print"]
    assert (paper.color, paper.ground) == ("#000000", "#ffffff")
    outside = re.sub(r"@media screen[^{]*\{:root\{[^}]*\}\}", "", theme.stylesheet(brand, action))
    assert outside == "", "no color of a client's holds on paper"


@given(COLORS, COLORS)
def test_links_and_buttons_take_the_action_color_and_the_header_the_brand(
    brand: str, action: str
) -> None:
    both = theme.palette(brand, action)
    assert (both.act, both.act_dark) == (theme.palette(action).act, theme.palette(action).act_dark)
    assert (both.brand, both.on_brand) == (brand, theme.ink(brand))


@given(COLORS)
def test_the_bar_keeps_the_exact_brand_color(brand: str) -> None:
    assert theme.palette(brand).brand == brand
    assert f"--brand:{brand};" in theme.stylesheet(brand)


def test_contrast_is_that_of_wcag() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("text", ["", "red", "#fff", "#12345g", "#1234567", "url(x)", "#123456;x"])
def test_only_a_full_hex_color_is_a_color(text: str) -> None:
    with pytest.raises(theme.NotAColor):
        theme.palette(text)
    if text:
        with pytest.raises(theme.NotAColor):
            theme.palette("#1f4e79", text)

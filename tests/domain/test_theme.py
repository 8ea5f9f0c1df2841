import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.domain import theme

COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@given(COLORS)
@example("#ffff00")
@example("#ffffff")
@example("#000000")
@example("#777777")
def test_no_brand_color_makes_text_unreadable(brand: str) -> None:
    p = theme.palette(brand)
    pairs = [(p.on_brand, p.brand), (p.on_act, p.act), (p.on_act_dark, p.act_dark)]
    pairs += [(p.act, ground) for ground in theme.LIGHT]
    pairs += [(p.act_dark, ground) for ground in theme.DARK]
    assert min(theme.contrast(*pair) for pair in pairs) >= theme.READABLE


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

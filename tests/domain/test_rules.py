"""Data of the rules: regions, phones, e-mail addresses."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.debts import Country
from portal.domain.windows import is_zone
from portal.rules import emails, phones
from portal.rules.emails import EmailClass, parse_email
from portal.rules.phones import Phone, parse_phone
from portal.rules.regions import all_regions, find_region


def test_every_state_province_and_territory_is_there_once() -> None:
    regions = all_regions()
    assert len({region.code for region in regions}) == len(regions)
    assert sum(region.country is Country.CA for region in regions) == 13
    assert sum(region.country is Country.US for region in regions) == 50 + 1 + 5 + 3


def test_every_zone_exists_and_only_military_post_has_none() -> None:
    for region in all_regions():
        assert all(map(is_zone, region.zones))
        assert bool(region.zones) == (region.code not in ("AA", "AE", "AP"))


@pytest.mark.parametrize("code", ["FL", "TX", "TN", "KY", "IN", "ID", "OR", "ND", "SD", "NE", "KS"])
def test_ct_02_a_split_state_lists_all_its_zones(code: str) -> None:
    region = find_region(code)
    assert region is not None
    assert len(region.zones) >= 2


@pytest.mark.parametrize(
    ("text", "country", "code"),
    [
        ("WA", "US", "WA"),
        (" wa ", None, "WA"),
        ("Washington", "us", "WA"),
        ("D.C.", "US", "DC"),
        ("Québec", "CA", "QC"),
        ("Quebec", None, "QC"),
        ("Nouvelle-Écosse", "CA", "NS"),
        ("new brunswick", "CA", "NB"),
        ("CA", "US", "CA"),
    ],
)
def test_a_region_is_found_by_code_or_name(text: str, country: str | None, code: str) -> None:
    region = find_region(text, country)
    assert region is not None
    assert region.code == code


@pytest.mark.parametrize(
    ("text", "country"), [("ZZ", "US"), ("", "US"), ("ON", "US"), ("CA", "CA"), ("Bavaria", None)]
)
def test_an_unknown_or_contradicted_region_is_none(text: str, country: str | None) -> None:
    assert find_region(text, country) is None


@pytest.mark.parametrize(
    "text",
    ["+12125550142", "(212) 555-0142", "212-555-0142", "212.555.0142", "1 212 555 0142"]
    + ["2125550142", " +1 (212) 555-0142 "],
)
def test_a_north_american_number_has_one_form(text: str) -> None:
    assert parse_phone(text) == Phone("+12125550142", ("America/New_York",), textable=True)


def test_a_phone_speaks_for_its_time_zones() -> None:
    montreal, hawaii, toll_free, london = (
        parse_phone(text, "CA")
        for text in ("514 555 0143", "+18085550101", "1-800-555-0100", "+44 7911 123456")
    )
    assert montreal
    assert hawaii
    assert toll_free
    assert london
    assert montreal.zones == ("America/Toronto",)
    assert hawaii.zones == ("Pacific/Honolulu",)
    assert toll_free.zones == ()
    assert not toll_free.textable
    assert london.zones
    assert all(map(is_zone, london.zones))


def test_a_number_with_an_extension_is_not_texted() -> None:
    phone = parse_phone("(212) 555-0142 ext 9")
    assert phone is not None
    assert phone.e164 == "+12125550142"
    assert not phone.textable


@pytest.mark.parametrize("text", ["", "abc", "555-0142", "+1 999 555 0142", "12", "1" * 400, "٢"])
def test_an_invalid_number_is_none(text: str) -> None:
    assert parse_phone(text) is None


def test_the_fast_path_agrees_with_the_library() -> None:
    source = random.Random(5)
    for _ in range(3_000):
        text = "+1" + "".join(source.choices("0123456789", k=10))
        assert parse_phone(text) == phones._parse(text, "US")


@pytest.mark.parametrize(
    ("text", "address", "email_class"),
    [
        ("Dana.Ruiz+x@Gmail.COM", "dana.ruiz+x@gmail.com", EmailClass.PUBLIC_DOMAIN),
        (" d000001@example.com ", "d000001@example.com", EmailClass.PRIVATE_DOMAIN),
        ("josé@exämple.ca", "josé@exämple.ca", EmailClass.PRIVATE_DOMAIN),
    ],
)
def test_an_address_has_one_form_and_a_class(
    text: str, address: str, email_class: EmailClass
) -> None:
    found = parse_email(text)
    assert found is not None
    assert (found.address, found.email_class) == (address, email_class)


@pytest.mark.parametrize(
    "text",
    ["", "not-an-address", "a@b", "a..b@x.com", ".a@x.com", "a@x-.com", "a@-x.com", "a@localhost"]
    + ["a@x.invalid", "a b@x.com", "a@x.com,b@y.com", "a@x.com\nBcc: b@y.com", "a" * 65 + "@x.com"]
    + ["Dana <d@x.com>", "a@1.2.3.4", f"a@{'x' * 64}.com", "a@" + "x." * 130 + "com"],
)
def test_an_address_that_no_mail_reaches_is_none(text: str) -> None:
    assert parse_email(text) is None


@given(st.from_regex(r"[a-z0-9._+-]{1,10}@[a-z0-9.-]{1,12}\.(com|ca|test|x)", fullmatch=True))
def test_the_fast_path_of_addresses_agrees_with_the_library(text: str) -> None:
    assert parse_email(text) == emails._parse(text)

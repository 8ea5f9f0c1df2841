"""Codes of authenticator apps, against the RFC's own vectors."""

from datetime import UTC, datetime

import pytest

from portal.domain import totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_rfc_6238(seconds: int, code: str):
    """Appendix B, of which the last six of eight digits are ours."""
    now = datetime.fromtimestamp(seconds, UTC)
    assert totp.code_of(SECRET, totp.step_at(now)) == code


@pytest.mark.parametrize(("late", "counts"), [(-2, 0), (-1, 1), (0, 1), (1, 1), (2, 0)])
def test_a_telephone_may_be_one_step_off(late: int, counts: int):
    now = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    step = totp.step_at(now) + late
    found = totp.matching_step(SECRET, totp.code_of(SECRET, step), now)
    assert found == (step if counts else None)


@pytest.mark.parametrize("typed", ["", "28708", "2870822", "٢٨٧٠٨٢", "abcdef", "-87082", "1e5000"])
def test_what_is_no_code_is_none(typed: str):
    assert totp.matching_step(SECRET, typed, datetime.fromtimestamp(59, UTC)) is None


def test_a_code_with_a_gap_is_read():
    assert totp.matching_step(SECRET, "287 082", datetime.fromtimestamp(59, UTC)) == 1


def test_the_address_in_the_picture_is_the_one_that_apps_read():
    address = totp.as_address(SECRET, issuer="Payment portal", account="sam@harbor.example")
    assert address == (
        "otpauth://totp/Payment%20portal:sam@harbor.example"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Payment%20portal"
    )

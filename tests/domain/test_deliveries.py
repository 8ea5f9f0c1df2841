"""What carriers' codes mean, and how long a text is on its way (EC-09)."""

import pytest

from portal.domain.deliveries import Fate, code_of, fate_at_twilio, fate_of_status
from portal.domain.sms import segments


@pytest.mark.parametrize(
    ("status", "code", "fate"),
    [
        ("queued", "", Fate.ACCEPTED),
        ("sent", "", Fate.ACCEPTED),
        ("delivered", "", Fate.DELIVERED),
        ("undelivered", "30003", Fate.FAILED),
        ("undelivered", "30005", Fate.BOUNCED),
        ("undelivered", "30006", Fate.BOUNCED),
        ("failed", "21610", Fate.COMPLAINED),
        ("failed", "30007", Fate.FAILED),
        ("failed", "99999", Fate.FAILED),
        ("something new", "30005", Fate.ACCEPTED),
    ],
)
def test_ec_09_what_twilio_says_of_a_text(status: str, code: str, fate: Fate):
    assert fate_at_twilio(status, code) is fate


@pytest.mark.parametrize(
    ("code", "fate"),
    [
        ("5.1.1", Fate.BOUNCED),
        ("5.1.10", Fate.BOUNCED),
        ("5.2.2", Fate.FAILED),
        ("5.7.1", Fate.FAILED),
        ("4.2.2", Fate.DELAYED),
        ("2.0.0", Fate.DELIVERED),
        ("", Fate.FAILED),
    ],
)
def test_ec_09_only_a_status_about_the_address_closes_it(code: str, fate: Fate):
    assert fate_of_status(code) is fate


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("5.1.1", "5.1.1"),
        ("550 5.1.1 <dana@mail.example> unknown", "5.1.1"),
        ("dana@mail.example is unknown", ""),
        ("Permanent/General", "PermanentGeneral"),
        ("9" * 90, "9" * 40),
        (30006, "30006"),
        (None, ""),
    ],
)
def test_a_code_is_kept_without_an_address(said: object, code: str):
    assert code_of(said) == code


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 10, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("’" * 70, 1),
        ("’" * 71, 2),
        ("’" + "a" * 133, 2),
        ("’" + "a" * 134, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),
    ],
)
def test_segments_are_counted_as_networks_do(text: str, count: int):
    """GSM 7-bit: 160, then 153 each; UTF-16: 70, then 67; no character is cut."""
    assert segments(text) == count

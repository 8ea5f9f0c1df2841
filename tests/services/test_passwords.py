"""Which passwords staff may choose: by length, and none that is guessed first."""

from pathlib import Path

import pytest

from portal.rules import common_passwords
from portal.rules.common_passwords import is_common
from portal.services.passwords import PasswordCommon, PasswordTooLong, PasswordTooShort, hashed


@pytest.mark.parametrize(
    "common",
    [
        *("password2026!", "Password1234", "qwertyqwerty", "123456789012", "aaaaaaaaaaaa"),
        *("!!iloveyou!!", "2026football2026", "PASSWORDPASSWORD", "987654321098"),
    ],
)
def test_what_is_guessed_first_is_refused(common: str):
    """SP 800-63B 3.1.1.2: offline, and with the usual decorations off."""
    with pytest.raises(PasswordCommon):
        hashed(common)


@pytest.mark.parametrize(
    "good",
    [
        "correct horse battery staple",
        "elf bicycle moon",
        "hét-is-étrange-42",
        "密码很长但是没有人会猜到的",
    ],
)
def test_any_other_is_taken_whatever_signs_it_has(good: str):
    assert hashed(good).startswith("$argon2id$")


def test_length_alone_counts_beside_that():
    with pytest.raises(PasswordTooShort):
        hashed("elf bicycle")
    with pytest.raises(PasswordTooLong):
        hashed("elf bicycle moon " * 8)
    assert hashed("elf bicycle moon lamp " * 5)


def test_the_list_is_made_by_its_command(tmp_path: Path):
    body = common_passwords.pack(["hunter2hunter", "letmein", "", "LETMEIN"])
    assert len(body) == 2 * common_passwords.SIZE
    whole = common_passwords.DATA.read_bytes()
    entries = [whole[at : at + 5] for at in range(0, len(whole), 5)]
    assert entries == sorted(set(entries))
    assert len(entries) > 40_000
    assert is_common("letmein")

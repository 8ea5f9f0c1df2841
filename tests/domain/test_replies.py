"""What a text from a debtor means: a stop is obeyed however it is said (EC-06)."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.replies import LONGEST, Meaning, Scope, read_reply, revocation_scope

STOPS = (
    *(
        "STOP",
        "stop",
        "Stop.",
        " stop!! ",
        "STOPALL",
        "QUIT",
        "end",
        "REVOKE",
        "Opt out",
        "OPT-OUT",
    ),
    *("CANCEL", "Unsubscribe", "ARRÊT", "arret", "ALTO", "S T O P", "“Stop”", "stop\n"),
)
REVOKED = (
    *("please stop texting me", "Don't text me again", "do not contact me", "Leave me alone!!!"),
    *("remove me from your list", "no more messages", "No me escriban", "no más mensajes"),
    *("Arrêtez de m'écrire", "ne m'écrivez plus", "take me off this list"),
)
WRONG = (
    *("Wrong number", "you have the wrong person", "this is not my number", "número equivocado"),
    *("mauvais numéro", "Vous vous trompez de personne"),
)
HELPS = ("HELP", "help", "Info?", "AYUDA", "aide")
OTHERS = (
    *("ok", "", "…", "I can pay on Friday", "how much do I owe", "my number is 503 226 0100"),
    *(
        "I want to cancel my payment",
        "I quit my job",
        "I can pay no more than $20",
        "the weekend is fine",
        "helpful, thanks",
        "👍",
        "\x00",
    ),
)


@pytest.mark.parametrize(
    ("meaning", "texts"),
    [
        (Meaning.STOP, STOPS),
        (Meaning.REVOKED, REVOKED),
        (Meaning.WRONG_PERSON, WRONG),
        (Meaning.HELP, HELPS),
        (Meaning.OTHER, OTHERS),
    ],
)
def test_a_text_is_read_as_a_person_would_read_it(meaning: Meaning, texts: tuple[str, ...]):
    """EC-06"""
    assert {text: read_reply(text) for text in texts} == dict.fromkeys(texts, meaning)


def test_a_very_long_text_is_read_as_far_as_networks_carry_it():
    assert read_reply("stop " + "x" * 10_000) is Meaning.REVOKED
    assert read_reply("x" * LONGEST + " stop") is Meaning.OTHER


def test_ec_06_from_the_end_of_january_2027_a_stop_ends_all_robotexts():
    """EC-06: 47 CFR 64.1200(a)(10), by the injected clock."""
    begins = datetime(2027, 1, 31, tzinfo=UTC)
    assert revocation_scope(begins - timedelta(seconds=1)) is Scope.NUMBER
    assert revocation_scope(begins) is Scope.ALL_ROBOTEXTS

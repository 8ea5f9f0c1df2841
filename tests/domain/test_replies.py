"""What a text from a debtor means: a stop is obeyed however it is said (EC-06)."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.replies import (
    LONGEST,
    Meaning,
    Scope,
    proves_number,
    read_reply,
    revocation_scope,
)

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
    *("stoppp", "unsub", "arrêtez"),
)
REVOKED = (
    *("please stop texting me", "Don't text me again", "do not contact me", "Leave me alone!!!"),
    *("remove me from your list", "no more messages", "No me escriban", "no más mensajes"),
    *("Arrêtez de m'écrire", "ne m'écrivez plus", "take me off this list"),
    *("I don't want these messages", "I don’t want these messages", "lose my number", "go away"),
    *("I do not want any more texts", "STOP PLEASE", "No. Stop texting me", "dnt txt me"),
    *("I never agreed to these texts", "QUIT TEXTING ME", "Please cease and desist", "f off"),
    *("Quiero dejar de recibir mensajes", "por favor pare", "paren", "no me molesten"),
    *("déjenme en paz", "no quiero recibir nada", "no quiero más mensajes", "dar de baja"),
    *("borren mi número", "no me llame más", "ya no me manden textos", "quítenme de la lista"),
    *("Je ne veux plus recevoir de textos", "ne m'appelez plus", "ne m’appelez plus", "cessez"),
    *("n'écrivez plus", "laissez-moi tranquille", "plus de textos svp", "ne plus me contacter"),
)
WRONG = (
    *("Wrong number", "you have the wrong person", "this is not my number", "número equivocado"),
    *("mauvais numéro", "Vous vous trompez de personne", "no soy yo", "ce n'est pas moi"),
    *("It's not me", "this isn't him", "c’est pas moi", "número incorrecto"),
)
DOUBTFUL = (
    *("can you stop by phone?", "please don't stop my plan", "stop my payment", "not interested"),
    *("no", "No thanks", "please no more", "stpo", "I won't pay", "I had to stop working"),
    *("is this a scam?", "I don't owe this", "I'm not Maria", "He died last year", "🛑", "停止"),
    *("no me llamo Ana", "no gracias", "dejen de cobrarme", "no quiero pagar eso", "no soy María"),
    *("n'arrêtez pas mon entente", "arrêt de travail depuis lundi", "je refuse de payer"),
    *("ce n'est pas moi qui ai payé", "se equivocaron en el monto"),
)
HELPS = ("HELP", "help", "Info?", "AYUDA", "aide")
OTHERS = (
    *("I don't want to miss my payment", "please don't cancel my plan", "no problem, call me"),
    *("I'm driving and can't reply now.", "I'm not working right now", "they shut off my power"),
    *("I did not receive the link", "my credit report", "take my payment on Friday"),
    *("who is this?", "Ok, and when?"),
    *("no quiero perder mi plan", "No puedo pagar hoy, llámeme mañana", "déjeme saber"),
    *("dejé de pagar porque perdí el trabajo", "olvidé mi número de cuenta", "plazo más largo"),
    *("Je ne veux pas perdre mon entente", "laissez-moi jusqu'à vendredi", "appelez plus tard"),
    *("Je ne peux pas payer, appelez-moi demain", "J'ai pas reçu le lien"),
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
        (Meaning.DOUBTFUL, DOUBTFUL),
        (Meaning.HELP, HELPS),
        (Meaning.OTHER, OTHERS),
    ],
)
def test_a_text_is_read_as_a_person_would_read_it(meaning: Meaning, texts: tuple[str, ...]):
    """EC-06"""
    assert {text: read_reply(text) for text in texts} == dict.fromkeys(texts, meaning)


@pytest.mark.parametrize(
    ("words", "proves"),
    [
        *[(words, True) for words in ("ok", "I can pay on Friday", "sí, gracias", "oui merci")],
        *[(words, False) for words in (*STOPS, *REVOKED, *WRONG, *DOUBTFUL, *HELPS)],
        *[(words, False) for words in ("", "👍", "who is this?", "What payment? Who is this?")],
        ("I'm driving and can't reply now. Ok?", False),
        ("Thank you for your message. We are closed.", False),
    ],
)
def test_ec_02_only_words_about_the_debt_prove_that_a_number_is_theirs(words: str, proves: bool):
    """EC-02, EC-06"""
    assert proves_number(words) is proves


def test_a_very_long_text_is_read_as_far_as_networks_carry_it():
    assert read_reply("stop " + "x" * 10_000) is Meaning.REVOKED
    assert read_reply("x" * LONGEST + " stop") is Meaning.OTHER


def test_ec_06_from_the_end_of_january_2027_a_stop_ends_all_robotexts():
    """EC-06: 47 CFR 64.1200(a)(10), by the injected clock."""
    begins = datetime(2027, 1, 31, tzinfo=UTC)
    assert revocation_scope(begins - timedelta(seconds=1)) is Scope.NUMBER
    assert revocation_scope(begins) is Scope.ALL_ROBOTEXTS

"""The words by which texts are read: phrases of English, Spanish and French, and how they match.

In a phrase ``*`` stands for any ending, ``/`` between words that mean the same, ``(…)`` around what
may be missing and ``...`` for up to four words in between. Capitals, accents, apostrophes and
letters that are typed twice make no difference.
"""

import re
import unicodedata

_NEGATED = re.compile(
    r"\b(do|does|did|is|are|was|wo|would|should|could|can|will|am|have|has)(?:n ?'? ?t| ?not)\b"
)
_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc\u00b4`", "'''''")
_SAME_AGAIN = re.compile(r"([a-z])\1+")
_UP_TO_FOUR = r"(?:\S+ ){0,4}"


def plain_words(text: str) -> str:
    """A text as small plain words with one blank between: ``DON’T  stoppp!`` is ``dont stop``."""
    spread = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES).casefold())
    letters = "".join(mark for mark in spread if not unicodedata.combining(mark))
    joined = re.sub(r"\bdnt\b", "dont", _NEGATED.sub(r"\1nt", letters))
    return _once(re.sub(r"[^a-z0-9]+", " ", joined)).strip()


def table(*phrases: str) -> re.Pattern[str]:
    """What finds any of these phrases in plain words that have a blank after each."""
    return re.compile(r"(?<!\S)(?:" + "|".join(_of(phrase) for phrase in phrases) + ")")


def bare(*words: str) -> frozenset[str]:
    """Keywords as plain words have them."""
    return frozenset(_once(word) for word in words)


def _of(phrase: str) -> str:
    return "".join(_word(word) for word in phrase.split())


def _word(word: str) -> str:
    if word == "...":
        return _UP_TO_FOUR
    same = _once(word.strip("()")).replace("*", r"\S*").replace("/", "|")
    return f"(?:(?:{same}) )" + ("?" if word.startswith("(") else "")


def _once(text: str) -> str:
    return _SAME_AGAIN.sub(r"\1", text)


OURS = "text*/txt*/message*/mensaj*/msg*/sms/contact*/receiv*/recib*/recev*/notif*/alert*"
"""What we send, and what is done with it."""

STOPS = bare(
    *("stop", "stopall", "quit", "end", "revoke", "optout", "cancel", "unsubscribe", "unsub"),
    *("arret", "arreter", "arretez", "desabonner", "alto", "parar", "basta", "cancelar"),
)
HELPS = bare("help", "info", "aide", "ayuda")

HARMLESS = table(
    "dont/didnt want/wish/like to miss/lose/default/forget/fall/break/let/ruin",
    "dont/didnt want to be late/behind/in",
    "amnt sure/able/working/home/available/going/in/at",
    "im/m not sure/able/working/home/available/going/in/at",
    "not/didnt/never/havent/hasnt (yet) receive*/got/get/seen/see/saw",
    "no problem/prob/worries",
    "no quiero/quisiera/deseo perder/atrasar*/fallar/quedar*/olvidar*",
    "no (he/hemos/lo/la) recibi/recibimos/recibido",
    "deje*/dejar*/cese* de pagar",
    "veux/voudrais/souhaite pas/plus manquer/perdre/rater/oublier",
    "suis pas/plus sur/sure/capable/certain*/pret*/disponible*/en/au/a/chez",
    "pas (encore) recu",
    "appel*/ecri*/rappel* plus tard",
    "laisse* moi savoir/un/une/le/du/payer/jusqu*/voir",
)
"""What looks like a refusal and is none: it is left out before anything else is read."""

DOUBTFUL = table(
    "dont/doesnt/didnt/cant/never stop/unsub*/remove/delete/cease",
    "stop by/work*",
    "bus/gas/truck/full/rest/pit/non stop",
    "stop (making/taking/charging/drawing) (my/the/this/that/these/our/any/all) (automatic/auto)"
    " pay*/plan*/autopay/charg*/debit*/card*/bank*/account*/interest/fee*/withdraw*",
    "i dont/never text/txt/call/write/send/message",
    "dont/didnt want/wish/like to text/txt/call/write/send/message/contact",
    "not/wasnt/isnt me who/that",
    "no (me/nos) pare*/cese*/deje*/borr*/elimin*/quit*/cancel*/suspend*",
    "no quiero/deseo/quisiera llamar*/escribir*/mandar*/enviar*/contactar*",
    "no me llamo/llamaron/mando/mandaron/envio/enviaron/escribio/escribieron/contactaron",
    "no soy yo el/la/quien/que",
    "se equivoc* ... monto/cantidad/saldo/pago/cobro/cuenta/fecha",
    "estoy de baja",
    "ne/n arret*/cess*/supprim*/desabonn*/retir* pas",
    "arret de travail/paiement*/prelevement*",
    "je n/ne (vous/m/me) appel*/ecri*/envoi*/text*/contact*",
    "veux/souhaite pas/plus (vous) appeler/ecrire/texter/envoyer/contacter",
    "pas moi qui",
    "trompez (de/dans/sur) (le/la/mon) montant/date/solde/compte/somme/paiement",
)
"""What has the words of a stop, perhaps in another sense."""

WRONG = table(
    "wrong number/person/guy/man/woman/lady/phone/party",
    "not/isnt him/her/them/my (number)",
    "not/isnt this/that/the person",
    "not/isnt me",
    "dont know him/her/them/anyone/anybody",
    "dont know this/that person/name/man/woman",
    "no one by/named/with that/this name",
    "nobody/noone by/with that/this name",
    "no such person",
    "numero/persona/telefono equivocad*/incorrect*",
    "equivocad* de numero/persona",
    "se equivoc*",
    "no soy yo",
    "no soy esa/ese/esta/la persona",
    "no es/era mi numero",
    "no es para mi",
    "no es la/esa persona",
    "no conozco a",
    "mauvais/mauvaise numero/personne",
    "pas le/la bon/bonne numero/personne",
    "vous vous trompez",
    "n/c/ce est pas moi/lui/elle",
    "n/c/ce est pas mon numero",
    "n/c/ce est pas pour moi",
    "erreur de numero",
    "connais pas cette personne",
)

REVOKED = table(
    "stop",
    "unsub*",
    "revoke",
    "opt (me) out",
    "optout",
    "quit text*/txt*/call*/messag*/contact*/writ*/send*/bother*/it",
    "cease",
    "harass*",
    "lawyer/attorney",
    "remove/delete/erase me/us",
    "remove/delete/erase/lose/forget my/this number/name/phone/cell/contact/info*",
    "take me/us/my/this (number/name) off",
    "get me off",
    "leave me/us alone/be",
    f"no more/further {OURS}/call*/email*",
    "dont/never (ever) text/txt/contact/message/msg/write/call/send/bother/disturb",
    f"dont/didnt/no/never (longer) want/wish ... {OURS}/call*/hear",
    f"dont/didnt/never consent*/agree*/authoriz* ... {OURS}",
    "go away",
    "get lost",
    "f/fuck/piss/bug/buzz off/you",
    # Spanish
    "dej* de recib*/escrib*/mand*/envi*/llam*/molest*/contact*/text*/fastid*/acos*/insist*",
    "dej*me/dej*nos (ya) en paz",
    "dej*me/dej*nos (ya) tranquil*",
    f"no (me) quiero/quisiera/deseo/queremos/autorizo ... {OURS}/llam*/escrib*/mand*/envi*",
    "no (me/nos/le) escrib*/contacte*/mande*/envie*/llame*/moleste*/texte*/insista*/busque*",
    f"no mas {OURS}/llamada*/correo*",
    "pare/paren/parele/parenle/parale/cese/cesen",
    "ya basta",
    "suspend* (los/estos/sus/mis) mensaj*/text*/llamada*",
    "dar*/den*/deme/dame/doy (de) baja",
    "borr*/elimin*/quit*/remov*/remuev*/saqu* mi/este/ese/el numero/telefono/celular/nombre",
    "borre*me/elimine*me/quite*me/saque*me",
    "desuscrib*",
    "cancel* (mi/la/los/estos) suscripcion/mensaj*/text*",
    "acoso/abogado/vayanse",
    # French
    "ne/n/m/me (m/me/nous) appele*/ecri*/envoy*/text*/contact*/derang*/harcel* (moi)"
    " plus/pas/jamais",
    "ne/n plus/pas (me/m/nous) appel*/ecri*/envoy*/text*/contact*/derang*/recev*",
    "ne me/m/nous ecri*/envoy*/text*/contact*",
    f"veux/veut/voulons/souhait*/desir* plus/pas/aucun ... {OURS}/appel*/ecri*/courriel*/derang*",
    f"plus de/d/aucun/jamais {OURS}/appel*/courriel*",
    "cesse/cessez/cesser",
    "arret*",
    "desabonn*/desinscri*/harcel*/avocat",
    "retir*/supprim*/effac*/enlev* moi",
    "retir*/supprim*/effac*/enlev* mon/ce numero/nom/telephone/cellulaire",
    "retir*/supprim*/effac*/enlev* de votre/la/cette liste",
    "laisse*/fich*/fout* moi/nous (la) (en) tranquille/paix",
)

REFUSED = table(
    "dont/didnt/no/never (longer) want/wish/need/like",
    f"no/not/dont/never (any/more/the/these/your/be/you) {OURS}/call*",
    "not interested",
    "no/nope/nah thank*/thx",
    "not/isnt my/mine debt/bill/account",
    "no debt/account",
    "dont owe",
    "dont know you/who",
    "remove/delete",
    "refuse*",
    "wont/willnt/not/never pay",
    "amnt",
    "im/m not",
    "block*/spam*/scam*/fraud*/phish*/illegal*/complain*/annoy*/hate*/unwanted/unsolicited",
    "report/sue you/this/u",
    "shut up",
    "deceased",
    "he/she/they died",
    "passed away",
    "no quiero/deseo/quisiera/gracias/autorizo/acepto/soy/debo/conozco",
    "no (me) interesa",
    "no pagare",
    "no voy a pagar",
    f"no/nunca/jamas (me/nos/mas/sus/esos/estos) {OURS}/llam*/escrib*/mand*/envi*",
    "dejen/deje de",
    "basta/molest*/estaf*/fraude*/denunci*/demand*/fastidi*/fallecio/murio",
    "ne veux/voulons/souhait*/desir*/dois/connais/suis plus/pas/rien",
    "veux/veut/souhaite pas/plus/rien",
    f"ne/n/jamais/aucun/pas (de/d/un/vos/ces/me/m) {OURS}/appel*/ecri*/envoy*",
    "non merci",
    "pas interesse*",
    "arnaque*/plainte*/bloque*/decede*",
)
"""What may be a refusal."""

NO = bare(
    *("no", "nope", "nah", "not", "never", "no more", "enough"),
    *("nunca", "jamas", "nada", "no mas", "ya no", "non", "jamais", "rien", "plus rien"),
    *("stp", "sotp", "stpo", "sop", "st0p", "stpp", "stob"),
)
"""What may be one alone."""
POLITE = table("please/pls/plz", "por favor", "svp", "s il vous plait")

OF_IT = table(
    "pay*/paid/owe*/balance*/bill/bills/debt*/plan/plans/due/money/dollar*/amount*/install*/settl*",
    "thank*/thx/yes/yep/yeah/ok/okay/sure/account",
    "pag*/deb*/deud*/saldo/dinero/cuota*/plazo*/gracias/si/vale/cuenta",
    "pai*/dette*/solde/argent/rembours*/entente/merci/oui/accord/dois/compte",
)
"""What somebody writes who speaks with us about the debt."""

UNPROVEN = table(
    "who is/are/dis",
    "whos",
    "quien es/eres/habla",
    "qui est/etes",
    "c est qui",
    "thank* for contact*/messag*/text*/call*/reaching",
    "thank* you for contact*/messag*/text*/call*/reaching/your",
    "thank* for your",
    "gracias por contactar*/su/tu/llamar/comunicar*",
    "merci de/pour votre/avoir",
    "auto/automatic*/automatique reply/response/respuesta",
    "respuesta/reponse automatic*/automatique",
    "out of office",
    "driving/conduciendo/manejando/volant",
)
"""What somebody writes who wonders who we are, or a telephone by itself."""

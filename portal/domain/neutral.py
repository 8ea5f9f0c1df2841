"""Words that no name shown before identity has: of a debt (EC-08), or that pretend (TX-02)."""

from portal.domain.wording import search_key

BEGINNINGS = (
    *("arrear", "collect", "creditor", "debt", "delinquen", "overdue", "recover", "repossess"),
    *("acreedor", "adeud", "cobrador", "cobranza", "cobro", "cobrar", "deud", "moros", "recuper"),
    *("contentieux", "creanc", "debit", "dette", "endett", "huissier", "impay", "recouvr"),
)
"""How such words begin, without accents: English, Spanish, French."""

WORDS = frozenset({"owe", "owed", "owes", "owing"})


def revealing_word(text: str) -> str | None:
    """The first word of a text that gives collection away, as it was written; None without one."""
    for word in text.replace("-", " ").replace("@", " ").replace(".", " ").split():
        key = search_key(word)
        if key in WORDS or key.startswith(BEGINNINGS):
            return word.strip(",;:()")
    return None


_PRESSING = (
    *("urgent", "urgently", "immediate", "immediately", "final notice", "last notice"),
    *("final warning", "last warning", "final demand", "second notice", "act now", "last chance"),
    *("urgente", "inmediato", "inmediata", "aviso final", "ultimo aviso", "ultima advertencia"),
    *("aviso urgente", "ultima oportunidad", "immediat", "immediate", "avis final"),
    *("dernier avis", "dernier avertissement", "derniere chance", "mise en demeure"),
)
_AUTHORITIES = (
    *("court", "courts", "courthouse", "government", "federal", "revenue agency", "irs", "cra"),
    *("internal revenue", "revenue service", "tax", "taxes", "treasury", "police", "sheriff"),
    *("sheriffs", "marshal", "marshals", "bailiff", "attorney general", "district attorney"),
    *("prosecutor", "department of justice", "social security", "magistrate", "judge", "fbi"),
    *("warrant", "subpoena", "summons", "tribunal", "corte", "juzgado", "juez", "gobierno"),
    *(
        "impuesto",
        "impuestos",
        "hacienda",
        "policia",
        "alguacil",
        "fiscal general",
        "fiscalia",
        "citatorio",
    ),
    *("seguro social", "cour", "gouvernement", "agence du revenu", "revenu canada"),
    *("revenu quebec", "impot", "impots", "gendarmerie", "grc", "rcmp", "procureur"),
    *("juge", "greffe", "assignation", "ministere"),
)
_OF_LAW = (
    *("attorney", "attorneys", "lawyer", "lawyers", "law office", "law offices", "law firm"),
    *("legal department", "legal notice", "legal action", "abogado", "abogados", "abogada"),
    *("bufete", "aviso legal", "avocat", "avocats", "avocate", "avis juridique"),
)


def pretending_words(text: str, *, legal_name: str = "", law_firm: bool = False) -> str | None:
    """The words of a name that pretend urgency or an authority, without accents; None without.

    What the client's legal name says too pretends nothing, and a law firm may say what it is
    (15 USC 1692e(1), (3), (9)).
    """
    said, own = (f" {search_key(one)} " for one in (text, legal_name))
    table: tuple[str, ...] = (*_PRESSING, *_AUTHORITIES, *(() if law_firm else _OF_LAW))
    for words in table:
        if f" {words} " in said and f" {words} " not in own:
            return words
    return None

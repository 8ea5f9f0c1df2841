"""Words that tell a stranger of a debt: no name or line shown before identity has one (EC-08)."""

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

"""What a form says by itself when something is missing or wrong, in our words."""

from portal.domain import N_

CHOOSE = N_("Choose one of the answers.")
NUMBER = N_("Write a number with digits.")
PLAIN_WORDS = {
    "This field is required.": N_("Fill in this field."),
    "Not a valid choice.": CHOOSE,
    "Invalid Choice: could not coerce.": CHOOSE,
    "Not a valid integer value.": NUMBER,
    "Not a valid decimal value.": NUMBER,
    "Not a valid date value.": N_("Choose a day, or write it like 2027-01-31."),
}


class PlainWords:
    """Says WTForms' sentences as we would."""

    @staticmethod
    def gettext(message: str) -> str:
        """Our sentence for this one of theirs."""
        return PLAIN_WORDS.get(message, message)

    @staticmethod
    def ngettext(singular: str, plural: str, num: int) -> str:
        """Theirs: our forms give those validators messages of their own."""
        return singular if num == 1 else plural

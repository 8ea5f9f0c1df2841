"""What the pages of help ask, and who else can give advice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wtforms import SelectMultipleField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import StopValidation

from portal.domain import N_, DomainError
from portal.domain.help import (
    DISPUTES,
    LONGEST_ANSWER,
    OPTIONS,
    ORIGINAL_CREDITOR,
    QUESTIONS,
    Topic,
)
from portal.domain.wording import clean_text
from portal.form_words import CHOOSE
from portal.i18n import voice
from portal.services.help import Answers, OptionMissing
from portal.web import Form, explain, locale
from portal.web import gettext as _

PRESET = {Topic.NOT_MY_DEBT: ["not-mine"], Topic.AMOUNT_WRONG: ["amount"]}
LEGENDS = {
    **dict.fromkeys(DISPUTES, N_("How do you want to respond?")),
    Topic.CANNOT_PAY: N_("What fits best? You can leave this open."),
    Topic.ADVISER: N_("Who helps you?"),
    Topic.BANKRUPTCY_OR_DEATH: N_("What happened?"),
    Topic.CONTACT: N_("What would you like?"),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """Somebody who gives free advice about debts and has nothing to do with us."""

    name: str
    what: str
    url: str
    phone: str
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def page(self, language: str) -> tuple[str, str]:
        """The address of their page and its language: the reader's, if they have one in it."""
        own = self.elsewhere.get(language)
        return (own, language) if own else (self.url, "en")


ADVICE = {
    "US": (
        Advice(
            "National Foundation for Credit Counseling",
            N_("Counselors who look at your money with you. A first talk is often free."),
            "https://www.nfcc.org/",
            "1-800-388-2227",
        ),
        Advice(
            "Consumer Financial Protection Bureau",
            N_("A public office. It explains your rights and takes complaints."),
            "https://www.consumerfinance.gov/consumer-tools/debt-collection/",
            "1-855-411-2372",
            {"es": "https://www.consumerfinance.gov/es/"},
        ),
    ),
    "CA": (
        Advice(
            "Credit Counselling Canada",
            N_("Counselors who look at your money with you. A first talk is often free."),
            "https://creditcounsellingcanada.ca/",
            "1-866-398-5999",
        ),
        Advice(
            "Financial Consumer Agency of Canada",
            N_("A public office. It explains your rights."),
            "https://www.canada.ca/en/financial-consumer-agency.html",
            "1-866-461-3222",
            {"fr": "https://www.canada.ca/fr/agence-consommation-matiere-financiere.html"},
        ),
    ),
}


class Several(SelectMultipleField):
    """Options of which any number may be picked, drawn as boxes or as buttons."""

    def pre_validate(self, form: Any) -> None:
        """Refuse what is not in the list."""
        choices: Iterable[Any] = self.choices or ()
        known = {choice.value for choice in choices}
        if not set(self.data or ()) <= known:
            raise StopValidation(CHOOSE)


class Words(TextAreaField):
    """What somebody writes in their own words; nothing of it is cut or lost."""

    def __init__(self, label: str, **given: Any) -> None:
        super().__init__(label, filters=[lambda text: clean_text(text or "")], **given)

    @property
    def said(self) -> str:
        """What was written."""
        return str(self.data or "")

    @property
    def hint(self) -> str:
        """How much may be written, and how much was, once it is too much."""
        number = voice(locale()).number
        most, num = number(LONGEST_ANSWER), number(len(self.said))
        if len(self.said) > LONGEST_ANSWER:
            return _("You wrote %(num)s characters. The most is %(most)s.", num=num, most=most)
        return _("Up to %(most)s characters. No card numbers, please.", most=most)


class WriteForm(Form):
    """One message."""

    body = Words(N_("Your message"))


class TopicForm(Form):
    """What a topic asks: what fits, and free words."""

    options = Several(N_("What fits best?"))
    details = Words(N_("Your message"))

    def ask(self, topic: Topic, *, collector: bool) -> None:
        """Put the questions of a topic into the form."""
        self.details.label.text = QUESTIONS[topic]
        if not OPTIONS[topic]:
            del self.options
            return
        self.options.label.text = LEGENDS[topic]
        self.options.choices = [
            SelectChoice(key, title)
            for key, (title, _kind) in OPTIONS[topic].items()
            if collector or key != ORIGINAL_CREDITOR
        ]
        if not self.is_submitted():
            self.options.data = PRESET.get(topic, [])

    def answers(self) -> Answers:
        """What was filled in, as the service takes it."""
        picked = list(self.options.data or ()) if "options" in self else []
        first = picked[0] if picked else None
        return Answers(first, self.details.said, also=tuple(picked[1:]))

    def refuse(self, error: DomainError) -> None:
        """Say beside the right field why it was not taken."""
        missing = isinstance(error, OptionMissing) and "options" in self
        beside = self.options if missing else self.details
        beside.errors = [explain(error)]

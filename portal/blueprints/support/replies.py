"""A reply to a proposal before it is sent: what the debtor would read, in their own language."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sqlalchemy import select

from portal.blueprints.debtor import answers
from portal.blueprints.debtor.words import headline, schedule_lines
from portal.domain import N_, DomainError
from portal.domain.money import Cents
from portal.domain.proposals import from_dict as read_wish
from portal.i18n import Voice, locale_for, voice
from portal.models import Account, Client, Contact, Debtor, Message, Proposal
from portal.security import keys
from portal.services.message_facts import facts_of
from portal.services.open_proposals import granted_until
from portal.services.proposals import granted_of
from portal.web import Form, explain, now, session
from portal.writing import write

HIDDEN = "…"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a debtor reads: the message that comes first, and what their page says then.

    ``body`` is empty where no e-mail or text can go; ``language`` is that of all of it.
    """

    language: str
    title: str
    lines: tuple[str, ...]
    subject: str = ""
    body: str = ""


def look(form: Form, found: Proposal, do: Callable[[], object]) -> Reply | None:
    """Give a reply, read what it says, and undo it; None where a rule refuses, as the form says."""
    try:
        do()
        return _read(found)
    except DomainError as error:
        form.form_errors.append(explain(error))
        return None
    finally:
        session.rollback()


def _read(found: Proposal) -> Reply:
    account = session.get_one(Account, (found.client_id, found.account_id))
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    client = session.get_one(Client, found.client_id)
    said = voice(locale_for(debtor.language, client.country))
    title = said.gettext(answers.TITLES[found.status])
    told = Reply(said.language, title, tuple(_lines(found, account, said)))
    return _with_message(found, told)


def _lines(found: Proposal, account: Account, said: Voice) -> Iterator[str]:
    if found.answer_reason:
        yield found.answer_reason
    terms = granted_of(found)
    until = granted_until(session, account, found, now=now())
    if terms is None or until is None:
        return
    owed = Cents(found.balance_cents)
    yield from answers.changed(read_wish(found.wish), owed, terms, said.locale)
    yield headline(terms, said.locale)
    yield from schedule_lines(terms, said.locale)
    yield said.gettext(N_("You can choose this until %(day)s."), day=said.date(until))


def _with_message(found: Proposal, told: Reply) -> Reply:
    """The same with the e-mail or text; its links are hidden, since they open the account."""
    fact = f"proposal_{found.status}:proposal:{found.id}"
    message = session.scalars(
        select(Message).where(Message.client_id == found.client_id, Message.dedupe_key == fact)
    ).one()
    if message.contact_id is None:
        return told
    contact = session.get_one(Contact, (found.client_id, message.contact_id))
    facts = facts_of(session, message, contact, keys=keys(), now=now())
    words = write(
        replace(
            facts,
            link_url=facts.link_url and HIDDEN,
            unsubscribe_url=facts.unsubscribe_url and HIDDEN,
        )
    )
    return replace(told, subject=words.subject, body=words.text)

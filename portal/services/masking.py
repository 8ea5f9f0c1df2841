"""What was sent to a debtor, with their names and addresses masked as on every other page."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from markupsafe import escape
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.channels import Channel
from portal.domain.wording import mask_email, mask_name, mask_phone, mask_tail
from portal.models import Contact, Correction, Debtor, Message

NAMES = ("first_name", "last_name")
PLACES = ("address_line", "postal_code")


def masker(
    session: Session, debtor: Debtor, contacts: Sequence[Contact]
) -> Callable[[Message, str], str]:
    """How words of a message are shown to whom the debtor's personal data does not show.

    Names and addresses are masked as they are on file, as files had them before a correction, and
    as the message went. ``contacts`` are the debtor's, those that are no longer used too.
    """
    known = dict(_on_file(session, debtor))
    for contact in contacts:
        known |= _masked(contact.channel, contact.address)

    def mask(message: Message, words: str) -> str:
        sent = _masked(message.channel, message.address) if message.address else {}
        return _replaced(words, known | sent)

    return mask


def _on_file(session: Session, debtor: Debtor) -> Iterator[tuple[str, str]]:
    before = select(Correction.field, Correction.placed).where(
        Correction.client_id == debtor.client_id,
        Correction.debtor_id == debtor.id,
        Correction.field.in_(NAMES + PLACES),
    )
    values = [(name, getattr(debtor, name)) for name in NAMES + PLACES]
    for name, value in [*values, *((row.field, row.placed) for row in session.execute(before))]:
        if value:
            yield value, mask_name(value) if name in NAMES else mask_tail("")


def _masked(channel: str, address: str) -> dict[str, str]:
    if channel == Channel.LETTER:
        return dict.fromkeys(filter(None, address.split("\n")), mask_tail(""))
    return {address: mask_email(address) if channel == Channel.EMAIL else mask_phone(address)}


def _replaced(words: str, known: Mapping[str, str]) -> str:
    """The words with each of these replaced, longest first, as text and as HTML has it."""
    shown = {one.casefold(): mask for one, mask in known.items()}
    shown |= {str(escape(one)).casefold(): mask for one, mask in known.items()}
    longest = sorted(shown, key=len, reverse=True)
    if not longest:
        return words
    any_of = "|".join(map(re.escape, longest))
    whole = re.compile(rf"(?<!\w)(?:{any_of})(?!\w)", re.IGNORECASE)
    return whole.sub(lambda found: shown.get(found[0].casefold(), mask_tail("")), words)

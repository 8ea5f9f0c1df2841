"""Personal data that stands outside of the log, table by table, and how it goes (EV-07).

Decision 0022 says of each table what goes, what stays, and why.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.models import Account

_MESSAGE = """
    UPDATE message SET address = NULL, subject = NULL, body = NULL, body_html = NULL,
      headers = NULL, provider_id = NULL, error = NULL, context = '{}'
    WHERE client_id = :client AND debtor_id = :debtor"""

OF_ACCOUNT = (
    f"{_MESSAGE} AND account_id = :account",
    "SELECT erase_thread(:client, :account)",
    """UPDATE help_request SET answers = '{}'
      WHERE client_id = :client AND account_id = :account""",
    """UPDATE call_attempt SET number = '', note = NULL,
        reason = CASE WHEN reason IS NOT NULL THEN '' END
      WHERE client_id = :client AND account_id = :account""",
    """UPDATE call_session SET note = NULL
      WHERE client_id = :client AND account_id = :account AND note IS NOT NULL""",
    """UPDATE second_look SET reason = '', details = '{}', answer = NULL
      WHERE client_id = :client AND account_id = :account""",
    """UPDATE proposal SET note = NULL, answer_reason = NULL
      WHERE client_id = :client AND account_id = :account""",
    """UPDATE hold SET evidence = NULL, lifted_reason = NULL
      WHERE client_id = :client AND account_id = :account""",
    """UPDATE legal_hold SET reason = '', matter = '', lifted_reason = ''
      WHERE client_id = :client AND account_id = :account AND lifted_at IS NOT NULL""",
    """UPDATE arrangement SET ended_reason = NULL
      WHERE client_id = :client AND account_id = :account""",
    """UPDATE payment_authorization z
      SET method_brand = NULL, method_last4 = NULL, method_funding = NULL, revoked_reason = NULL
      FROM arrangement r WHERE (r.client_id, r.id) = (z.client_id, z.arrangement_id)
        AND r.client_id = :client AND r.account_id = :account""",
    """UPDATE payment SET method_brand = NULL, method_last4 = NULL, method_funding = NULL,
        checkout_url = NULL, counter_number = NULL
      WHERE client_id = :client AND account_id = :account""",
    """UPDATE money_exception SET detail = '', resolution = ''
      WHERE client_id = :client AND account_id = :account AND resolved_at IS NOT NULL""",
    # The hash of a row of names and dates of birth is guessed as easily as these are.
    """UPDATE account SET judgment = NULL, stripe_customer = NULL, erased_at = :now,
        row_sha256 = decode(repeat('00', 32), 'hex')
      WHERE client_id = :client AND id = :account""",
    "SELECT erase_letters(:client, :debtor)",
)
OF_DEBTOR = (
    f"{_MESSAGE} AND account_id IS NULL",
    """UPDATE contact SET address = 'erased:' || id, zones = NULL,
        retired_at = coalesce(retired_at, :now)
      WHERE client_id = :client AND debtor_id = :debtor""",
    """UPDATE contact_preference SET words = NULL
      WHERE client_id = :client AND debtor_id = :debtor AND words IS NOT NULL""",
    """UPDATE contact_permission p SET words = NULL FROM contact c
      WHERE (c.client_id, c.id) = (p.client_id, p.contact_id)
        AND c.client_id = :client AND c.debtor_id = :debtor AND p.words IS NOT NULL""",
    """UPDATE access_link SET revoked_reason = ''
      WHERE client_id = :client AND debtor_id = :debtor AND revoked_reason IS NOT NULL""",
    """UPDATE debtor_session SET ip = '', user_agent = ''
      WHERE client_id = :client AND debtor_id = :debtor""",
    """UPDATE correction SET placed = NULL
      WHERE client_id = :client AND debtor_id = :debtor AND placed IS NOT NULL""",
    """UPDATE debtor SET debtor_number = NULL, join_key = NULL, first_name = '', last_name = '',
        name_key = '', date_of_birth_hash = NULL, postal_code_hash = NULL, last_four_hash = NULL,
        address_line = NULL, city = NULL, postal_code = NULL, time_zone = NULL
      WHERE client_id = :client AND id = :debtor""",
)
_OTHERS = text("""
    SELECT EXISTS (SELECT FROM account o WHERE o.client_id = :client AND o.debtor_id = :debtor
      AND o.id <> :account AND (o.erased_at IS NULL OR o.updated_at > o.erased_at))""")
_LOCK = text("SELECT id FROM debtor WHERE client_id = :client AND id = :debtor FOR UPDATE")


def erase_outside(session: Session, account: Account, *, now: datetime) -> bool:
    """Blank what stands about a locked account; whether that was all of its debtor, who goes too.

    That it was erased is on the record by then. The caller commits.
    """
    session.flush()
    values = {
        "client": account.client_id,
        "account": account.id,
        "debtor": account.debtor_id,
        "now": now,
    }
    session.execute(_LOCK, values)
    for statement in OF_ACCOUNT:
        session.execute(text(statement), values)
    last = not session.scalar(_OTHERS, values)
    for statement in OF_DEBTOR if last else ():
        session.execute(text(statement), values)
    session.expire_all()
    return last

"""Links: short, signed, told apart only by whoever holds one that we signed."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from portal.db import PortalSession, set_tenant
from portal.domain.keys import Keys
from portal.domain.sms import gsm7_length, sms_text_fits
from portal.domain.statuses import AccountStatus
from portal.models import (
    Account,
    Channel,
    Client,
    CollectorRole,
    ContactStop,
    Debtor,
    StopKind,
    fresh_id,
)
from portal.models.base import ids
from portal.services import evidence
from portal.services.links import (
    TOKEN_LENGTH,
    LinkState,
    NoLinkAllowed,
    OpenedLink,
    code_of,
    issue_link,
    open_code,
    open_token,
    random_public_id,
    revoke_link,
    token_of,
)
from portal.services.messages import queue
from portal.services.stops import is_wrong_person, lift_stop, stop_wrong_person
from tests.factories import (
    KEYS,
    NOW,
    happened,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_link,
)

NEW_KEYS = Keys((b"n" * 32, *KEYS.signing), KEYS.pepper, KEYS.base_url)


def open_(session: PortalSession, token: str, *, keys: Keys = KEYS, at=NOW) -> OpenedLink | None:
    return open_token(session, token, keys=keys, now=at)


def types(session: PortalSession, account: Account) -> list[str]:
    return [leaf.type for leaf in happened(session, account)]


def test_a_link_opens_and_leads_to_its_debtor(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    issued = make_link(session, debtor)
    set_tenant(session)  # a stranger's request: nothing is visible before the token is resolved
    opened = open_(session, issued.token)
    assert opened is not None
    assert (opened.debtor.id, opened.state) == (debtor.id, LinkState.LIVE)
    assert session.info["client_ids"] == (debtor.client_id,)
    assert issued.url == f"https://pay.example.com/l/{issued.token}"


def test_opening_ten_times_writes_nothing(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    token = make_link(session, debtor).token
    session.flush()
    seen: list[str] = []
    engine = session.connection().engine
    listen = lambda *given: seen.append(given[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    for _ in range(10):
        open_(session, token)
    event.remove(engine, "before_cursor_execute", listen)
    assert seen
    assert all(statement.lstrip().upper().startswith("SELECT") for statement in seen)


def test_a_link_expires_by_its_client_s_days(session: PortalSession):
    debtor = make_debtor(session, make_client(session, link_days=3))
    token = make_link(session, debtor).token
    last = NOW + timedelta(days=3)
    assert open_(session, token, at=last - timedelta(seconds=1)).state is LinkState.LIVE
    assert open_(session, token, at=last).state is LinkState.EXPIRED


def test_a_revoked_link_says_so_once_and_for_good(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    account = make_account(session, debtor)
    issued = make_link(session, debtor)
    for reason in ("resent", "again"):
        revoke_link(session, issued.link, reason=reason, actor=evidence.SYSTEM, now=NOW)
    later = NOW + timedelta(days=365)
    assert open_(session, issued.token, at=later).state is LinkState.REVOKED
    assert issued.link.revoked_reason == "resent"
    assert types(session, account) == ["link.issued", "link.revoked"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token + "\n",
        lambda token: token.replace(".", "\x00"),
        lambda token: "0" * 12 + token[12:],
        lambda token: token[:13] + ("A" if token[13] != "A" else "B") + token[14:],
        lambda token: token[:-1] + chr(ord(token[-1]) + 1),  # another spelling of the same bits
        lambda token: token[:13] + "é" * 14,
        lambda token: token.lower(),
        lambda token: "." * 65536,
        lambda token: "A" * 65536 + token,
        lambda token: "\ud800" + token[1:],
    ],
)
def test_any_token_that_we_did_not_sign_is_unknown(session: PortalSession, spoil):
    token = make_link(session, make_debtor(session, make_client(session))).token
    assert open_(session, token) is not None
    assert open_(session, spoil(token)) is None


def test_a_token_of_a_link_that_is_no_more_is_as_unknown_as_a_forged_one(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    issued = make_link(session, debtor)
    ghost = token_of(KEYS, type(issued.link)(public_id="GhostGhost00"))
    counts = []
    for token in (ghost, "0" * 12 + "." + "A" * 14, "x"):
        seen: list[str] = []
        engine = session.connection().engine
        listen = lambda *given, seen=seen: seen.append(given[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", listen)
        assert open_(session, token) is None
        event.remove(engine, "before_cursor_execute", listen)
        counts.append(len(seen))
    assert len(set(counts)) == 1


def test_keys_rotate_and_old_links_stay_good(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    issued = make_link(session, debtor)
    code = issued.code
    assert open_(session, issued.token, keys=NEW_KEYS) is not None
    renewed = token_of(NEW_KEYS, issued.link)
    assert renewed != issued.token
    assert open_(session, renewed, keys=NEW_KEYS) is not None
    assert open_(session, renewed) is None
    assert code_of(NEW_KEYS, issued.link) == code
    retired = Keys((b"n" * 32,), KEYS.pepper, KEYS.base_url)
    assert open_(session, issued.token, keys=retired) is None


def test_the_code_of_a_letter_opens_however_it_is_typed(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    issued = make_link(session, debtor, contact=None)
    code = issued.code
    assert (len(code), code[4]) == (9, "-")
    assert code_of(KEYS, issued.link) == code  # staff can read it out
    for typed in (code, code.lower(), code.replace("-", ""), f" {code} ", code.replace("0", "O")):
        opened = open_code(session, typed, keys=KEYS, now=NOW)
        assert opened is not None
        assert opened.link.id == issued.link.id
    for wrong in ("", "K7MP-42X", "0000-0000", "é" * 8, "\x00" * 8, code + "0", "9" * 65536):
        assert open_code(session, wrong, keys=KEYS, now=NOW) is None


def test_two_links_with_one_code_are_never_made(
    session: PortalSession, monkeypatch: pytest.MonkeyPatch
):
    debtor = make_debtor(session, make_client(session))
    make_account(session, debtor)
    drawn = iter([b"1" * 16, b"1" * 16, b"2" * 16])
    real = ids.randbytes
    monkeypatch.setattr(ids, "randbytes", lambda n: next(drawn) if n == 16 else real(n))
    first = issue_link(session, debtor, keys=KEYS, now=NOW)
    second = issue_link(session, debtor, keys=KEYS, now=NOW)
    assert first.link.public_id != second.link.public_id


def test_public_ids_are_even_and_long():
    made = {random_public_id(ids.randbytes) for _ in range(2000)}
    assert len(made) == 2000
    assert all(len(one) == 12 and one.isalnum() and one.isascii() for one in made)
    assert len(set("".join(made))) == 62


@pytest.mark.parametrize("role", [CollectorRole.THIRD_PARTY_AGENCY, CollectorRole.DEBT_BUYER])
def test_an_agency_account_without_a_notice_gets_no_link_sc_04(session: PortalSession, role):
    debtor = make_debtor(session, make_client(session, collector_role=role))
    account = make_account(session, debtor, validation_notice_sent_on=None)
    with pytest.raises(NoLinkAllowed) as refused:
        issue_link(session, debtor, keys=KEYS, now=NOW)
    assert refused.value.params == {"rules": "VN-04"}
    assert types(session, account) == []


def test_a_time_barred_account_gets_no_link_tb_02(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    make_account(session, debtor, sol_expires_on=NOW.date())
    with pytest.raises(NoLinkAllowed) as refused:
        issue_link(session, debtor, keys=KEYS, now=NOW)
    assert refused.value.params == {"rules": "TB-02"}


def test_one_allowed_account_is_enough_and_each_has_a_leaf(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    barred = make_account(session, debtor, sol_expires_on=NOW.date())
    owed = make_account(session, debtor)
    make_link(session, debtor)
    assert types(session, barred) == types(session, owed) == ["link.issued"]


def test_a_debtor_without_accounts_gets_no_link(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    with pytest.raises(NoLinkAllowed):
        issue_link(session, debtor, keys=KEYS, now=NOW)


def test_a_recalled_account_gets_no_link(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    account = make_account(session, debtor)
    session.execute(
        update(Account).where(Account.id == account.id).values(status=AccountStatus.RECALLED)
    )
    session.expire(account)
    with pytest.raises(NoLinkAllowed):
        issue_link(session, debtor, keys=KEYS, now=NOW)


def test_wrong_person_closes_the_address_and_every_link_to_it(session: PortalSession):
    client = make_client(session)
    debtor = make_debtor(session, client)
    account = make_account(session, debtor)
    contact = make_contact(session, debtor)
    first = make_link(session, debtor, contact=contact)
    second = make_link(session, debtor, contact=contact)
    letter = make_link(session, debtor, contact=None)
    for _ in range(2):  # pressed twice, done once
        stop_wrong_person(session, open_(session, first.token), now=NOW)
    stop = session.scalars(select(ContactStop)).one()
    assert (stop.address, stop.kind) == (contact.address, StopKind.WRONG_PERSON)
    assert open_(session, first.token).state is LinkState.REVOKED
    assert open_(session, second.token).state is LinkState.REVOKED
    assert open_(session, letter.token).state is LinkState.LIVE
    assert is_wrong_person(session, contact)
    assert types(session, account)[3:] == ["contact.stopped", "link.revoked", "link.revoked"]
    leaf = evidence.account_leaves(session, account)[3]
    assert contact.address not in str(leaf.payload)


def test_ct_08_what_waits_to_go_to_the_wrong_person_never_leaves(session: PortalSession):
    """CT-08"""
    debtor = make_debtor(session, make_client(session))
    make_account(session, debtor)
    contact = make_contact(session, debtor)
    issued = make_link(session, debtor, contact=contact)
    told = {"template": "thread_reply", "context": {}, "dedupe_key": "reply", "now": NOW}
    (message,) = queue(session, debtor, contact=contact, **told)
    stop_wrong_person(session, open_(session, issued.token), now=NOW)
    assert (message.status, message.rule) == ("suppressed", "EC-08")


def test_staff_can_undo_wrong_person(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    account = make_account(session, debtor)
    contact = make_contact(session, debtor)
    issued = make_link(session, debtor, contact=contact)
    stop_wrong_person(session, open_(session, issued.token), now=NOW)
    sam = fresh_id()
    stop = session.scalars(select(ContactStop)).one()
    lift_stop(session, stop, by=sam, now=NOW)
    assert not is_wrong_person(session, contact)
    assert types(session, account)[-1] == "contact.reopened"


@pytest.fixture
def posted(session: PortalSession) -> Debtor:
    """Dana, who is reached by letters alone."""
    debtor = make_debtor(session, make_client(session))
    debtor.address_line, debtor.city, debtor.postal_code = "12 Pier Road", "Portland", "97201"
    make_account(session, debtor)
    return debtor


def write(session: PortalSession, debtor: Debtor, fact: str) -> str:
    told = {"template": "thread_reply", "context": {}, "dedupe_key": fact, "now": NOW}
    (letter,) = queue(session, debtor, channel=Channel.LETTER, **told)
    return letter.status


def test_ct_08_no_letter_goes_where_somebody_else_lives(session: PortalSession, posted: Debtor):
    """CT-08, EC-08"""
    told = {"template": "thread_reply", "context": {}, "dedupe_key": "waits", "now": NOW}
    (waiting,) = queue(session, posted, channel=Channel.LETTER, **told)
    link = make_link(session, posted, contact=None)
    another = make_link(session, posted, contact=None)
    for _ in range(2):  # pressed twice, done once
        stop_wrong_person(session, open_(session, link.token), now=NOW)
    assert (waiting.status, waiting.rule) == ("suppressed", "EC-08")
    assert open_(session, link.token).state is LinkState.REVOKED
    assert open_(session, another.token).state is LinkState.LIVE, "it may be read out by phone"
    assert write(session, posted, "later") == "suppressed"
    account = session.scalars(select(Account)).one()
    stopped = [one for one in types(session, account) if one == "contact.stopped"]
    assert stopped == ["contact.stopped"]
    assert "Pier" not in str([leaf.payload for leaf in evidence.account_leaves(session, account)])


def test_the_same_postal_address_stays_closed_and_another_one_is_new(
    session: PortalSession, posted: Debtor
):
    stop_wrong_person(
        session, open_(session, make_link(session, posted, contact=None).token), now=NOW
    )
    posted.address_line = "12  PIER road"
    assert write(session, posted, "same") == "suppressed"
    posted.address_line = "7 Hill Street"
    assert write(session, posted, "new") == "queued"


@pytest.mark.parametrize(
    "written",
    [
        {"address_line": "12 Pier Rd."},
        {"address_line": "12, pier rd", "postal_code": "97201-1234"},
        {"city": "PORTLAND "},
        {"city": "Portlnad"},
    ],
)
def test_ct_08_another_spelling_of_the_address_opens_nothing(
    session: PortalSession, posted: Debtor, written: dict[str, str]
):
    """CT-08, EC-08: the next file of the client writes the same address a little otherwise."""
    stop_wrong_person(
        session, open_(session, make_link(session, posted, contact=None).token), now=NOW
    )
    for name, value in written.items():
        setattr(posted, name, value)
    assert write(session, posted, "same") == "suppressed"


@pytest.mark.parametrize(
    "written",
    [
        {"address_line": "14 Pier Road"},
        {"address_line": "12 Pier Road Apt 3"},
        {"address_line": "12 Pier Street"},
        {"postal_code": "97202"},
    ],
)
def test_a_postal_address_that_differs_is_a_new_one(
    session: PortalSession, posted: Debtor, written: dict[str, str]
):
    stop_wrong_person(
        session, open_(session, make_link(session, posted, contact=None).token), now=NOW
    )
    for name, value in written.items():
        setattr(posted, name, value)
    assert write(session, posted, "new") == "queued"


def test_staff_open_a_postal_address_again(session: PortalSession, posted: Debtor):
    stop_wrong_person(
        session, open_(session, make_link(session, posted, contact=None).token), now=NOW
    )
    lift_stop(session, session.scalars(select(ContactStop)).one(), by=fresh_id(), now=NOW)
    assert write(session, posted, "again") == "queued"
    account = session.scalars(select(Account)).one()
    assert types(session, account)[-1] == "contact.reopened"


@pytest.mark.parametrize(
    "text",
    [
        "{0}: you have a private message. Open {1} or call {2}. Reply STOP to end.",
        "{0}: tiene un mensaje privado. Abra {1} o llame al {2}. STOP para salir.",
        "{0}: un message vous attend. Ouvrez {1} ou appelez {2}. STOP pour arreter.",
    ],
)
def test_a_text_with_the_link_is_one_segment(session: PortalSession, text: str):
    for sender in ("Harbor Services", "Maple Ridge Accounts", "Blue Lake Customer Care"):
        client: Client = make_client(session, sender_name=sender)
        issued = make_link(session, make_debtor(session, client))
        assert len(issued.token) == TOKEN_LENGTH == 27
        told = text.format(sender, issued.url, client.phone)
        assert sms_text_fits(told), (gsm7_length(told), told)


def test_marks_outside_the_gsm_alphabet_do_not_fit():
    assert gsm7_length("Ñandú") is None  # ú is not in it
    assert gsm7_length("à €") == 4
    assert sms_text_fits("x" * 160)
    assert not sms_text_fits("x" * 161)
    assert not sms_text_fits("x" * 159 + "€")
    assert not sms_text_fits("…")

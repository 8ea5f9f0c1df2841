"""Records are kept as long as RT-01 says, and erased so that the log stays whole (EV-07)."""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from portal.domain.callers import Disposition
from portal.domain.calls import Outcome
from portal.domain.evidence import canonical
from portal.domain.help import Topic
from portal.domain.holds import HoldKind
from portal.domain.retention import Holding, Rule
from portal.domain.statuses import AccountStatus
from portal.domain.terms import Choice
from portal.gateways.signer import Signer
from portal.models import (
    Account,
    Arrangement,
    BatchStatus,
    ChainKey,
    Client,
    Contact,
    Debtor,
    DebtorWord,
    Erasure,
    ErasureBatch,
    ErasureStatus,
    Leaf,
    LegalHold,
    Message,
    Role,
    Staff,
    ThreadEntry,
    fresh_id,
)
from portal.services import (
    erasing,
    erasures,
    evidence,
    help,
    legal_holds,
    letter_batches,
    retention,
)
from portal.services.call_sessions import Ending, open_session, wrap_up
from portal.services.calls import Said, log_their_call
from portal.services.erasures import AlreadyDecided, NothingToErase, SecondPersonErases
from portal.services.evidence import Entry
from portal.services.help import Answers
from portal.services.legal_holds import (
    ErasedBefore,
    HeldAlready,
    LegalHoldLifted,
    NoSuchReference,
    Wanted,
)
from portal.services.no_proof import RecordErased
from portal.services.printing import Printing, print_letters
from portal.services.retention import FIRST, Asked, Record
from portal.services.sealing import key_of
from portal.services.staff import start_session
from portal.services.standing import set_hold
from portal.services.threads import post_entry
from portal.services.timeline.client import for_client
from portal.services.timeline.compliance import compliance
from portal.services.timeline.staff import timeline
from portal.services.tree import place_all, sign
from portal.services.verify import verify_client
from portal.services.verify.tree import outside_of
from portal.services.visits import Browser
from portal.writing import write_letter
from tests.databases import acting_as
from tests.factories import KEYS, make_account, make_policy, make_visit
from tests.pages.staff import make_staff
from tests.sandbox.checked import checked_stripe
from tests.services.paying import Till, first_payment, make_till
from tests.services.placing import Placer
from tests.services.test_acceptance import agree, picked
from tests.services.test_exports import made, verify
from tests.services.test_verify import invite, send_all

LIMITATION = date(2031, 5, 1)


@pytest.fixture
def till(session: Session) -> Iterator[Till]:
    with checked_stripe() as stripe:
        till = make_till(session, stripe)
        make_policy(session, session.get_one(Client, till.account.client_id))
        session.commit()
        yield till


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(b"\x07" * 32, tmp_path / "signed")


@pytest.fixture
def agreed(till: Till) -> Arrangement:
    """Dana came by a link, asked for help, agreed to pay all at once, and paid."""
    session, account = till.session, till.account
    invite(till)
    visit = make_visit(session, account)
    answers = Answers(details="I was ill in May.")
    asked = help.open_request(session, account, Topic.AMOUNT_WRONG, answers, by=visit, now=till.now)
    sam = make_staff(session, Role.OPERATOR, name="Sam")
    help.answer_request(session, asked, "We looked, Dana.", staff=sam, now=till.now, lift="right")
    post_entry(session, account, "Thank you. Dana Reyes", now=till.now)
    spoke = Said(Outcome.CONVERSATION, "Dana Reyes was ill in May.")
    log_their_call(session, account, spoke, staff=sam, now=till.now)
    logged_in, _ = start_session(session, sam, browser=Browser("127.0.0.1", "x"), now=till.now)
    line = open_session(session, account, staff=sam, log_in_id=logged_in.session_id, now=till.now)
    cut_off = Ending(Disposition.CUT_OFF, "Dana Reyes, I think.")
    wrap_up(session, line, cut_off, staff=sam, now=till.now)
    agreed = agree(session, account, picked(account, Choice(key="full")))
    session.commit()
    first_payment(till, agreed)
    send_all(till)
    post_all(till)
    assert account.status is AccountStatus.PAID
    return agreed


def post_all(till: Till) -> None:
    """Every letter that waits is printed and posted."""
    session = till.session
    sam = Staff(id=fresh_id())
    printing = Printing(partial(write_letter, base_url="https://x.example"), KEYS, sam)
    batch = print_letters(session, till.account.client_id, printing, now=till.now)
    assert batch is not None
    left = {str(one.letter.id) for one in letter_batches.letters_of(session, batch, now=till.now)}
    letter_batches.finish(session, batch, left, staff=sam, now=till.now)
    session.commit()


def client(till: Till) -> Client:
    return till.session.get_one(Client, till.account.client_id)


def people(till: Till) -> tuple[Staff, Staff]:
    """Two compliance officers."""
    return tuple(  # type: ignore[return-value]
        make_staff(till.session, Role.COMPLIANCE, client(till), name=name)
        for name in ("Colin", "Cora")
    )


def asked(till: Till, *, as_of: date | None = None, limitation: bool = True) -> Asked:
    today = as_of or retention.today_of_client(client(till), till.now)
    return Asked(client(till), today, till.now, limitation)


def over(till: Till, **given: date) -> Sequence[Record]:
    return list(retention.over(till.session, asked(till, **given)))  # type: ignore[arg-type]


def the_record(till: Till) -> Record:
    (found,) = retention.records_of(till.session, asked(till), [till.account.id])
    return found


def ask(till: Till) -> tuple[ErasureBatch, Staff, Staff]:
    first, second = people(till)
    given = {"staff": first, "now": till.now}
    batch = erasures.ask(till.session, asked(till), FIRST, "Yearly clean-up", **given)
    till.session.commit()
    return batch, first, second


def approved(till: Till) -> ErasureBatch:
    batch, _, second = ask(till)
    erasures.approve(till.session, batch, staff=second, now=till.now)
    till.session.commit()
    return batch


def work(till: Till, batch: ErasureBatch, *, most: int = 1000) -> list[ErasureStatus]:
    """What the worker's job does, for the first so many records."""
    session, client_id = till.session, batch.client_id
    done = []
    with acting_as("portal_worker", session):
        for one in list(erasing.waiting(session, client_id, batch.id))[:most]:
            done.append(erasing.erase(session, client_id, one, now=till.now))
            session.commit()
        erasing.finish(session, client_id, batch.id, now=till.now)
        session.commit()
    return done


def erased(till: Till) -> ErasureBatch:
    till.wait(days=365 * 5)
    batch = approved(till)
    assert work(till, batch) == [ErasureStatus.ERASED]
    till.session.expire_all()
    return batch


def broken(till: Till, signer: Signer) -> list[str]:
    session, client_id = till.session, till.account.client_id
    place_all(session, client_id)
    sign(session, client_id, signer, till.now)
    outside = outside_of(signer, client_id)
    return [
        f"{one.invariant}: {one.where}"
        for one in verify_client(session, client_id, outside=outside)
    ]


def test_a_record_is_listed_from_the_day_after_its_last(till: Till, agreed: Arrangement) -> None:
    """RT-01: −1 day, +1 day; the limitation period decides here, and may be left out."""
    day = timedelta(days=1)
    assert over(till, as_of=LIMITATION) == []
    (found,) = over(till, as_of=LIMITATION + day)
    assert (found.reference, found.term.held_by) == (till.account.reference, ())
    assert found.term.decided_by.rule is Rule.LIMITATION
    assert (found.leaves, found.documents) > (5, 3)
    last = till.now.date().replace(year=2029)
    assert over(till, as_of=last, limitation=False) == []  # type: ignore[arg-type]
    (found,) = over(till, as_of=last + day, limitation=False)  # type: ignore[arg-type]
    assert found.term.last_day == last


def test_a_later_activity_moves_the_day_and_a_look_inside_does_not(
    till: Till, agreed: Arrangement
) -> None:
    """RT-01: last activity changes, date recomputed."""
    before = the_record(till).last_activity_on
    till.wait(days=400)
    chain = {"client_id": till.account.client_id, "chain_id": till.account.chain_id}
    told = {"actor": evidence.SYSTEM}
    evidence.record(till.session, **chain, type="export.made", payload=told, now=till.now)
    assert the_record(till).last_activity_on == before
    evidence.record(till.session, **chain, type="message.sent", payload=told, now=till.now)
    assert the_record(till).last_activity_on == before + timedelta(days=400)


def test_an_account_that_is_open_never_ends(till: Till) -> None:
    till.wait(days=365 * 20)
    assert over(till) == []
    assert the_record(till).term.held_by == (Holding.OPEN,)
    make_account(
        till.session, till.session.get_one(Debtor, (till.account.client_id, till.account.debtor_id))
    )
    assert over(till) == []


def test_a_hold_a_request_and_a_legal_hold_hold_a_record_back(
    till: Till, agreed: Arrangement
) -> None:
    till.wait(days=365 * 5)
    session, account, colin = till.session, till.account, people(till)[0]
    wanted = Wanted(account.reference.lower(), "A court may ask.", "Reyes v. Northgate")
    kept = legal_holds.set_legal_hold(session, wanted, staff=colin, now=till.now)
    (found,) = over(till)
    assert found.term.held_by == (Holding.LEGAL_HOLD,)
    with pytest.raises(NothingToErase):
        ask(till)
    legal_holds.lift_legal_hold(session, kept, "It was settled.", staff=colin, now=till.now)
    with pytest.raises(LegalHoldLifted):
        legal_holds.lift_legal_hold(session, kept, "Again.", staff=colin, now=till.now)
    assert over(till)[0].term.held_by == ()
    types = [leaf.type for leaf in evidence.account_leaves(session, account)][-2:]
    assert types == ["legal_hold.set", "legal_hold.lifted"]


def test_a_legal_hold_is_set_once_for_a_case_until_it_is_lifted(
    till: Till, agreed: Arrangement
) -> None:
    session, account, colin = till.session, till.account, people(till)[0]

    def keep(matter: str) -> LegalHold:
        wanted = Wanted(account.reference, "A court may ask.", matter)
        return legal_holds.set_legal_hold(session, wanted, staff=colin, now=till.now)

    first = keep("Reyes v. Northgate")
    with pytest.raises(HeldAlready):
        keep(" REYES v. Northgate")
    keep("Another case")
    legal_holds.lift_legal_hold(session, first, "It was settled.", staff=colin, now=till.now)
    keep("Reyes v. Northgate")
    told = [leaf.type for leaf in evidence.account_leaves(session, account)]
    assert told.count("legal_hold.set") == 3


def test_a_legal_hold_needs_a_reference_that_exists(till: Till) -> None:
    wanted = Wanted("NG-0", "A court may ask.", "")
    with pytest.raises(NoSuchReference):
        legal_holds.set_legal_hold(till.session, wanted, staff=people(till)[0], now=till.now)


def test_two_people_decide_and_nothing_happens_before(till: Till, agreed: Arrangement) -> None:
    """EV-07: authority."""
    till.wait(days=365 * 5)
    batch, first, second = ask(till)
    assert work(till, batch) == []
    assert over(till)[0].asked
    with pytest.raises(NothingToErase):
        ask(till)
    with pytest.raises(SecondPersonErases):
        erasures.approve(till.session, batch, staff=first, now=till.now)
    erasures.decline(till.session, batch, "Not before the audit.", staff=second, now=till.now)
    with pytest.raises(AlreadyDecided):
        erasures.approve(till.session, batch, staff=second, now=till.now)
    till.session.commit()
    assert work(till, batch) == []
    assert not over(till)[0].asked


def test_what_was_erased_is_gone_and_the_record_is_whole(
    till: Till, agreed: Arrangement, signer: Signer, tmp_path: Path
) -> None:
    """EV-07: the tree verifies, and the payload cannot be got back."""
    bundle = made(till, agreed, signer)
    session, account = till.session, till.account
    before = evidence.account_leaves(session, account)
    assert broken(till, signer) == []
    batch = erased(till)

    assert batch.status is BatchStatus.FINISHED
    assert broken(till, signer) == []
    after = evidence.account_leaves(session, account)
    assert [one.hash for one in after] == [one.hash for one in before]
    assert {str(one.payload) for one in after} == {"{}"}
    keys = select(ChainKey).where(ChainKey.chain_id == account.chain_id)
    assert [key.sealed for key in session.scalars(keys)] == [None]
    assert verify(bundle, tmp_path).returncode == 0


def test_the_erasure_says_by_whose_authority_and_nothing_personal(
    till: Till, agreed: Arrangement
) -> None:
    batch = erased(till)
    told = evidence.chain_leaves(till.session, batch.client_id, client(till).chain_id)
    leaf = next(one for one in told if one.type == "erasure")
    assert leaf.payload["chain"] == str(till.account.chain_id)
    assert leaf.payload["rule"] == Rule.LIMITATION
    assert leaf.payload["last_day"] == LIMITATION.isoformat()
    assert leaf.payload["asked_by"] != leaf.payload["approved_by"]
    said = str(leaf.payload)
    assert "Dana" not in said
    assert till.account.reference not in said
    (row,) = erasures.erasures_of(till.session, batch)
    assert (row.leaves, row.documents) == (leaf.payload["leaves"], leaf.payload["documents"])


def test_a_guess_of_what_was_said_cannot_be_held_against_the_leaf(
    till: Till, agreed: Arrangement
) -> None:
    """EV-07: the very payload is guessed, and without its salt nothing says so."""
    session, chain = till.session, till.account.chain_id
    entry = evidence.account_leaves(session, till.account)[0]
    guess = canonical(entry.payload)
    erased(till)
    body = session.scalars(select(Leaf.body).where(Leaf.chain_id == chain, Leaf.n == 0)).one()
    commit = body[90:154]
    for salt in (b"", bytes(32), chain.bytes, session.scalar(select(Leaf.hash).where(Leaf.n == 0))):
        assert hmac.new(salt or b"", guess, hashlib.sha256).hexdigest() != commit
    dump = session.execute(
        text("SELECT sealed FROM leaf_payload WHERE chain_id = :c"), {"c": chain}
    )
    assert all(guess not in bytes(row.sealed) for row in dump)


def test_nothing_personal_is_left_outside_the_log(till: Till, agreed: Arrangement) -> None:
    """EV-07: looked for in every table, by Dana's own words and addresses."""
    session, account = till.session, till.account
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    addresses = list(session.scalars(select(Contact.address)))
    words = ["Dana", "Reyes", "Elm Street", "ill in May", "We looked", *addresses]
    assert {table for word in words for table in holding(session, word)} >= {
        *("debtor", "contact", "message", "thread_entry", "help_request", "letter"),
    }
    erased(till)
    assert {word: holding(session, word) for word in words} == {word: [] for word in words}
    assert (debtor.date_of_birth_hash, debtor.join_key) == (None, None)
    assert session.scalar(select(func.count()).select_from(DebtorWord)) == 0
    assert account.row_sha256 == bytes(32)
    money = text("SELECT sum(amount_cents) FROM ledger_entry WHERE account_id = :id")
    assert session.scalar(money, {"id": account.id}) == 0


def holding(session: Session, word: str) -> list[str]:
    """The tables of debtors in which a word stands."""
    named = """
        SELECT table_name FROM information_schema.columns WHERE column_name = 'client_id'
          AND table_schema = 'public' AND table_name NOT IN ('client', 'policy_draft')"""
    query = "SELECT EXISTS (SELECT FROM {} x WHERE strpos(x::text, :word) > 0)"
    return sorted(
        table
        for table in session.scalars(text(named)).all()
        if session.scalar(text(query.format(table)), {"word": word})
    )


def test_the_debtor_stays_while_another_account_does(till: Till, agreed: Arrangement) -> None:
    session, account = till.session, till.account
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    other = make_account(session, debtor)
    set_hold(session, other, HoldKind.HARDSHIP, source="staff", actor=evidence.SYSTEM, now=till.now)
    erased(till)
    session.refresh(debtor)
    assert (debtor.first_name, other.erased_at) == ("Dana", None)
    assert len(evidence.account_leaves(session, other)[-1].payload) > 1
    about = select(Message).where(Message.account_id == account.id)
    assert {one.body for one in session.scalars(about)} == {None}
    assert list(verify_client(session, account.client_id)) == []


def test_what_comes_in_between_keeps_the_record(till: Till, agreed: Arrangement) -> None:
    """A hold is set after the batch was approved: it is skipped, and the record says so."""
    till.wait(days=365 * 5)
    batch = approved(till)
    wanted = Wanted(till.account.reference, "A court may ask.", "Reyes")
    legal_holds.set_legal_hold(till.session, wanted, staff=people(till)[0], now=till.now)
    till.session.commit()
    assert work(till, batch) == [ErasureStatus.SKIPPED]
    (row,) = erasures.erasures_of(till.session, batch)
    assert (row.why, row.leaf_n) == ("legal_hold", None)
    told = evidence.chain_leaves(till.session, batch.client_id, client(till).chain_id)
    assert told[-1].type == "erasure.skipped"
    assert evidence.account_leaves(till.session, till.account)[0].payload
    assert list(verify_client(till.session, batch.client_id)) == []


def test_new_activity_keeps_the_record(till: Till, agreed: Arrangement) -> None:
    till.wait(days=365 * 5)
    batch = approved(till)
    till.wait(hours=1)
    post_entry(till.session, till.account, "Are you there?", now=till.now)
    till.session.commit()
    assert work(till, batch) == [ErasureStatus.SKIPPED]
    (row,) = erasures.erasures_of(till.session, batch)
    assert row.why == "not_over"


def test_a_batch_that_was_cut_off_goes_on_and_erases_nothing_twice(
    till: Till, agreed: Arrangement
) -> None:
    session, account = till.session, till.account
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    other = make_account(session, debtor, status=AccountStatus.RECALLED)
    till.wait(days=365 * 5)
    batch = approved(till)
    assert work(till, batch, most=1) == [ErasureStatus.ERASED]
    assert batch.status is BatchStatus.APPROVED
    assert work(till, batch) == [ErasureStatus.ERASED]
    assert work(till, batch) == []
    session.expire_all()
    assert batch.status is BatchStatus.FINISHED
    assert other.erased_at is not None
    assert debtor.first_name == ""
    with acting_as("portal_worker", session):
        done = session.scalars(select(Erasure.id)).first()
        assert done is not None
        again = erasing.erase(session, batch.client_id, done, now=till.now)
    assert again is ErasureStatus.ERASED
    assert over(till) == []
    assert list(verify_client(session, batch.client_id)) == []


def test_an_account_placed_anew_after_its_erasure_has_a_term_of_its_own(
    till: Till, tmp_path: Path
) -> None:
    session, account = till.session, till.account
    account.status = AccountStatus.RECALLED
    erased(till)
    till.wait(days=1)
    placer = Placer(session, client(till), tmp_path)
    told = placer.row(now=till.now, account_number=account.reference)
    assert (told.updated, told.refused) == (1, 0)
    session.expire_all()
    new = session.get_one(Debtor, (account.client_id, account.debtor_id))
    assert (new.first_name, account.status) == ("Dana", AccountStatus.OPEN)
    wanted = Wanted(account.reference, "A court may ask.", "")
    kept = legal_holds.set_legal_hold(session, wanted, staff=people(till)[0], now=till.now)
    assert the_record(till).last_activity_on == till.now.date()
    assert kept.account_id == account.id
    assert list(verify_client(session, account.client_id)) == []


def test_a_reference_with_a_history_is_nobody_elses_after_its_erasure(
    till: Till, agreed: Arrangement, tmp_path: Path
) -> None:
    erased(till)
    placer = Placer(till.session, client(till), tmp_path)
    told = placer.row(now=till.now, account_number=till.account.reference)
    assert (told.updated, told.refused) == (0, 1)


def test_no_legal_hold_is_set_where_nothing_is_left(till: Till, agreed: Arrangement) -> None:
    erased(till)
    wanted = Wanted(till.account.reference, "A court may ask.", "")
    with pytest.raises(ErasedBefore):
        legal_holds.set_legal_hold(till.session, wanted, staff=people(till)[0], now=till.now)


def test_an_export_of_it_is_refused_in_plain_words(
    till: Till, agreed: Arrangement, signer: Signer
) -> None:
    erased(till)
    leaves = len(evidence.account_leaves(till.session, till.account))
    with pytest.raises(RecordErased):
        made(till, agreed, signer)
    assert len(evidence.account_leaves(till.session, till.account)) == leaves


def test_every_view_says_that_it_was_erased(till: Till, agreed: Arrangement) -> None:
    erased(till)
    entries: Sequence[Entry] = evidence.account_leaves(till.session, till.account)
    account = till.session.get_one(Account, (till.account.client_id, till.account.id))
    for lines in (
        timeline(till.session, account, entries),
        for_client(account, entries),
        compliance(entries),
    ):
        assert {line.remarks for line in lines} == {("What it said was erased.",)}


def test_nobody_writes_with_a_key_that_was_destroyed_meanwhile(
    till: Till, agreed: Arrangement
) -> None:
    """A writer that took the key just before the erasure fails, and writes anew after it."""
    session, account = till.session, till.account
    taken = key_of(session, account.client_id, account.chain_id, till.now)
    erased(till)
    session.info["chain_keys"] = {account.chain_id: taken}
    chain = {"client_id": account.client_id, "chain_id": account.chain_id}
    told = {"actor": evidence.SYSTEM}
    with pytest.raises(OperationalError, match="destroyed meanwhile"), session.begin_nested():
        evidence.record(session, **chain, type="message.sent", payload=told, now=till.now)
    evidence.record(session, **chain, type="message.sent", payload=told, now=till.now)
    assert evidence.account_leaves(session, account)[-1].payload["type"] == "message.sent"
    assert over(till) == []


def test_nobody_takes_the_words_out_of_a_thread_but_an_erasure(
    till: Till, agreed: Arrangement
) -> None:
    session, account = till.session, till.account
    values = {"client": account.client_id, "account": account.id}
    with (
        acting_as("portal_worker", session),
        pytest.raises(ProgrammingError, match="append-only"),
        session.begin_nested(),
    ):
        session.execute(text("SELECT erase_thread(:client, :account)"), values)
    with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(text("SELECT erase_thread(:client, :account)"), values)
    erased(till)
    assert set(session.scalars(select(ThreadEntry.body))) == {""}

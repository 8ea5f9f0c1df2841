"""Leaves get their places in one tree, whose heads are signed and only ever grow (EV-05)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal.db import PortalSession, make_engine, tenant_session
from portal.domain import merkle
from portal.domain.checkpoints import VerifierKey, parse
from portal.gateways.signer import Signer, SignerRefuses
from portal.models import Debtor, Leaf, LeafPosition, PendingLeaf, StoredCheckpoint
from portal.services import evidence, tree
from portal.services.evidence import log_name
from tests.databases import Database
from tests.factories import NOW, make_account, make_dana

SEED = b"\x07" * 32


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(SEED, tmp_path / "signed")


def write(session: Session, account, count: int) -> None:  # type: ignore[no-untyped-def]
    write_only(session, account, count)
    session.commit()


def in_the_tree(session: Session, client_id: UUID) -> list[bytes]:
    rows = session.execute(
        select(Leaf.hash)
        .join(
            LeafPosition,
            (LeafPosition.chain_id == Leaf.chain_id) & (LeafPosition.n == Leaf.n),
        )
        .where(Leaf.client_id == client_id)
        .order_by(LeafPosition.index)
    )
    return [row.hash for row in rows]


def by_hand(leaves: list[bytes]) -> bytes:
    """The root as RFC 6962 defines it, without anything kept."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return merkle.node_hash(by_hand(leaves[:half]), by_hand(leaves[half:]))


def test_leaves_are_placed_in_batches_and_the_signed_root_is_over_all_of_them(
    session: PortalSession, signer: Signer
) -> None:
    account = make_dana(session)
    for count in (5, 1, 7, 20):
        write(session, account, count)
        while tree.place(session, account.client_id, most=3):
            session.commit()
        signed = tree.sign(session, account.client_id, signer, NOW)
        assert signed is not None
        leaves = in_the_tree(session, account.client_id)
        assert (signed.head.size, signed.head.root) == (len(leaves), by_hand(leaves))
    assert session.scalar(select(func.count()).select_from(PendingLeaf)) == 0
    kept = [one.head.size for one in signer.seen(log_name(account.client_id))]
    assert kept == sorted(session.scalars(select(StoredCheckpoint.size)).all())


def test_every_leaf_of_a_chain_has_a_proof_to_the_root_of_a_checkpoint(
    session: PortalSession, signer: Signer
) -> None:
    account = make_dana(session)
    debtor = debtor_of(session, account)
    write(session, account, 9)
    write(session, make_account(session, debtor), 4)
    signed = tree.seal_log(session, account.client_id, signer, NOW)
    write(session, account, 2)
    tree.place_all(session, account.client_id)
    found = tree.proofs(session, account.client_id, account.chain_id, signed.head.size)
    hashes = session.scalars(
        select(Leaf.hash).where(Leaf.chain_id == account.chain_id).order_by(Leaf.n)
    ).all()
    assert list(found) == list(range(len(hashes) - 2)), "what came later is not in that tree"
    for n, proof in found.items():
        merkle.check_inclusion(
            hashes[n], proof.index, signed.head.size, proof.hashes, signed.head.root
        )


def debtor_of(session: Session, account):  # type: ignore[no-untyped-def]
    return session.get_one(Debtor, (account.client_id, account.debtor_id))


def test_sealing_twice_signs_once(session: PortalSession, signer: Signer) -> None:
    account = make_dana(session)
    write(session, account, 3)
    first = tree.seal_log(session, account.client_id, signer, NOW)
    assert tree.seal_log(session, account.client_id, signer, NOW + timedelta(hours=1)) == first
    assert len(list(signer.seen(log_name(account.client_id)))) == 1


def test_a_checkpoint_is_due_after_256_leaves_or_a_quarter_of_an_hour(
    session: PortalSession, signer: Signer
) -> None:
    account = make_dana(session)
    client_id = account.client_id
    write(session, account, 1)
    tree.seal_log(session, client_id, signer, NOW)
    late = NOW + timedelta(minutes=15)
    assert not tree.is_due(session, client_id, late), "nothing is new"
    write(session, account, 1)
    tree.place_all(session, client_id)
    assert not tree.is_due(session, client_id, late - timedelta(seconds=1))
    assert tree.is_due(session, client_id, late)
    write(session, account, 255)
    tree.place_all(session, client_id)
    assert tree.is_due(session, client_id, NOW)


def test_a_restored_older_database_is_not_signed(session: PortalSession, signer: Signer) -> None:
    """EV-05"""
    account = make_dana(session)
    write(session, account, 4)
    tree.place_all(session, account.client_id)
    before = session.begin_nested()
    write_only(session, account, 3)
    place_once(session, account.client_id)
    tree.sign(session, account.client_id, signer, NOW)
    before.rollback()
    with pytest.raises(SignerRefuses, match="may be an older copy"):
        tree.sign(session, account.client_id, signer, NOW)
    write_only(session, account, 9)
    place_once(session, account.client_id)
    with pytest.raises(SignerRefuses):
        tree.sign(session, account.client_id, signer, NOW)


def write_only(session: Session, account, count: int) -> None:  # type: ignore[no-untyped-def]
    for _ in range(count):
        evidence.record(
            session,
            client_id=account.client_id,
            chain_id=account.chain_id,
            type="note.written",
            payload={"actor": evidence.SYSTEM},
            now=NOW,
        )


def place_once(session: Session, client_id: UUID) -> None:
    while tree.place(session, client_id):
        pass


def test_a_crash_after_signing_leaves_a_signer_that_goes_on(
    session: PortalSession, signer: Signer
) -> None:
    """The head was kept outside and its row was lost: the same head is signed again."""
    account = make_dana(session)
    write(session, account, 3)
    tree.place_all(session, account.client_id)
    crash = session.begin_nested()
    first = tree.sign(session, account.client_id, signer, NOW)
    crash.rollback()
    assert tree.newest_checkpoint(session, account.client_id) is None
    assert tree.sign(session, account.client_id, signer, NOW) == first


def test_a_checkpoint_that_was_written_half_is_dropped(
    session: PortalSession, signer: Signer, tmp_path: Path
) -> None:
    account = make_dana(session)
    write(session, account, 3)
    signed = tree.seal_log(session, account.client_id, signer, NOW)
    (path,) = (tmp_path / "signed").iterdir()
    with path.open("a") as file:
        file.write(signed.note[:70])
    write(session, account, 1)
    again = tree.seal_log(session, account.client_id, signer, NOW)
    assert [one.head.size for one in signer.seen(log_name(account.client_id))] == [
        signed.head.size,
        again.head.size,
    ]


def test_the_keys_that_signed_and_the_newest_checkpoint_are_published(
    session: PortalSession, signer: Signer, tmp_path: Path
) -> None:
    account = make_dana(session)
    write(session, account, 1)
    tree.seal_log(session, account.client_id, signer, NOW)
    write(session, account, 1)
    other = Signer(b"\x08" * 32, tmp_path / "signed")
    signed = tree.seal_log(session, account.client_id, other, NOW + timedelta(days=1))
    lines = tree.key_lines(session, account.client_id)
    assert [VerifierKey.parse(line) for line in lines] == [
        one.verifier_key(log_name(account.client_id)) for one in (signer, other)
    ]
    session.execute(text("SELECT set_config('app.client_ids', '', true)"))
    public = session.scalars(text("SELECT line FROM published_log_keys()")).all()
    assert set(lines) <= set(public)
    note = session.scalar(
        text("SELECT note FROM published_checkpoint(:client)"), {"client": account.client_id}
    )
    assert parse(note) == signed


@pytest.fixture
def busy(fresh_db: Database) -> tuple[Database, list[tuple[UUID, UUID]]]:
    """Four accounts of one client, in a database of their own."""
    engine = make_engine(fresh_db.url("portal_app"))
    with tenant_session(engine) as session:
        first = make_dana(session)
        debtor = debtor_of(session, first)
        accounts = [first, *(make_account(session, debtor) for _ in range(3))]
        chains = [(one.client_id, one.chain_id) for one in accounts]
        session.commit()
    engine.dispose()
    return fresh_db, chains


def test_two_sequencers_beside_writers_leave_one_tree(busy, signer: Signer) -> None:
    database, chains = busy
    client_id = chains[0][0]
    engine = make_engine(database.url("portal_worker"), pool_size=8)

    def writes(chain: tuple[UUID, UUID]) -> None:
        for _ in range(25):
            with tenant_session(engine, [client_id]) as session:
                evidence.record(
                    session,
                    client_id=client_id,
                    chain_id=chain[1],
                    type="note.written",
                    payload={"actor": evidence.SYSTEM},
                    now=NOW,
                )
                session.commit()

    def sequences(_: int) -> None:
        for _ in range(15):
            with tenant_session(engine, [client_id]) as session:
                tree.place(session, client_id, most=7)
                session.commit()
                tree.sign(session, client_id, signer, NOW)
                session.commit()

    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(writes, chain) for chain in chains]
        work += [pool.submit(sequences, n) for n in range(2)]
        for one in work:
            one.result()
    with tenant_session(engine, [client_id]) as session:
        signed = tree.seal_log(session, client_id, signer, NOW)
        leaves = in_the_tree(session, client_id)
        assert (signed.head.size, signed.head.root) == (len(leaves), by_hand(leaves))
        assert len(leaves) == session.scalar(select(func.count()).select_from(Leaf))
        placed = session.execute(
            select(LeafPosition.chain_id, LeafPosition.n).order_by(LeafPosition.index)
        ).all()
        for chain in {row.chain_id for row in placed}:
            mine = [row.n for row in placed if row.chain_id == chain]
            assert mine == list(range(len(mine)))
    engine.dispose()
